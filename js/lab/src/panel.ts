import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { nbtrackIcon } from './icons';
import type { Sidebar, SidebarHandlers } from './sidebar';
import type { SidebarModel } from './sidebar_model';

export const PANEL_ID = 'nbtrack-sidebar';

/** The sidebar's place: it loads its code when it is first seen, and does nothing while it is hidden. */
export class SidebarPanel extends Widget {
  private sidebar: Promise<Sidebar> | null = null;

  constructor(
    private readonly model: SidebarModel,
    private readonly handlers: SidebarHandlers
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('nbt-sidebar-panel');
    this.title.icon = nbtrackIcon;
    this.title.caption = 'nbtrack';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'nbtrack');
  }

  /** The sidebar itself, once it has been seen. */
  get content(): Promise<Sidebar> | null {
    return this.sidebar;
  }

  override dispose(): void {
    this.model.setVisible(false);
    void this.sidebar?.then(sidebar => sidebar.dispose());
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) this.start();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.start();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.setVisible(false);
  }

  protected override onBeforeDetach(message: Message): void {
    this.model.setVisible(false);
    super.onBeforeDetach(message);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.sidebar?.then(sidebar => sidebar.focus());
  }

  private start(): void {
    this.sidebar ??= this.fill();
    this.model.setVisible(true);
  }

  private async fill(): Promise<Sidebar> {
    const [{ Sidebar }, { viewRoot }] = await Promise.all([import('./sidebar'), import('./views_root')]);
    return new Sidebar(viewRoot(this.node, 'sidebar'), this.model, this.handlers);
  }
}
