import type { Message } from '@lumino/messaging';
import { nbtrackIcon } from './icons';
import type { ModelsModel } from './models_model';
import { VisibleWidget } from './visible_widget';
import type { Sidebar, SidebarHandlers } from './sidebar';
import type { SidebarModel } from './sidebar_model';

export const PANEL_ID = 'nbtrack-sidebar';

/** The sidebar's place: it loads its code when it is first seen, and does nothing while it is hidden. */
export class SidebarPanel extends VisibleWidget {
  private sidebar: Promise<Sidebar> | null = null;

  constructor(
    private readonly model: SidebarModel,
    private readonly models: ModelsModel,
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
    void this.sidebar?.then(sidebar => sidebar.dispose());
    super.dispose();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.sidebar?.then(sidebar => sidebar.focus());
  }

  protected override onVisible(): void {
    this.sidebar ??= this.fill();
    this.model.setVisible(true);
  }

  protected override onHidden(): void {
    this.model.setVisible(false);
  }

  private async fill(): Promise<Sidebar> {
    const [{ Sidebar }, { viewRoot }] = await Promise.all([import('./sidebar'), import('./views_root')]);
    return new Sidebar(viewRoot(this.node, 'sidebar'), this.model, this.models, this.handlers);
  }
}
