import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { nbtrackIcon } from './icons';
import { VisibleWidget } from './visible_widget';
import type { INbtrack } from './tokens';

/** What a tab shows, once its code is there. */
export interface Content {
  refresh(): unknown;
  dispose(): void;
  focus?(): void;
}

/** Makes the content; its code is loaded when a tab of the kind is first looked at. */
export type MakeContent = (root: HTMLElement) => Promise<Content>;

/** The body of a tab: it is made when it is first seen, and follows its store only while it is. */
export class LiveView extends VisibleWidget {
  private content: Content | null = null;
  private made = false;
  private turn = 0;
  private stopWatching: () => void = () => undefined;

  constructor(
    private readonly nbtrack: INbtrack,
    private readonly storeId: string,
    private make: MakeContent,
    private readonly closeTab: () => void
  ) {
    super();
    this.addClass('nbt-view');
    this.node.tabIndex = -1;
  }

  /** Show something else in the same place. */
  remake(make: MakeContent): void {
    this.make = make;
    this.takeAway();
    if (this.isVisible) this.onVisible();
  }

  override dispose(): void {
    this.content?.dispose();
    super.dispose();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (this.content?.focus) this.content.focus();
    else this.node.focus();
  }

  protected override onVisible(): void {
    this.stopWatching();
    this.stopWatching = this.nbtrack.watcher.watch(
      this.storeId,
      () => void this.content?.refresh(),
      error => void this.showGone(error)
    );
    if (this.content) void this.content.refresh();
    else if (!this.made) void this.fill();
  }

  protected override onHidden(): void {
    this.stopWatching();
  }

  private takeAway(): void {
    this.turn++;
    this.content?.dispose();
    this.content = null;
    this.made = false;
    this.node.replaceChildren();
  }

  /** Say once that there is nothing to show any more; who looks at the tab again tries again. */
  private async showGone(error: unknown): Promise<void> {
    const { saysGone } = await import('./views_root');
    if (this.isDisposed) return;
    this.takeAway();
    const retry = (): void => {
      this.takeAway();
      this.onVisible();
    };
    this.node.append(saysGone(error, retry, this.closeTab));
  }

  private async fill(): Promise<void> {
    this.made = true;
    const { make, turn } = this;
    try {
      const { viewRoot } = await import('./views_root');
      if (this.isDisposed || turn !== this.turn) return;
      this.node.replaceChildren();
      const content = await make(viewRoot(this.node));
      if (this.isDisposed || turn !== this.turn) content.dispose();
      else this.content = content;
    } catch (error) {
      if (turn !== this.turn) return;
      this.made = false;
      const said = error instanceof Error ? error.message : String(error);
      this.node.textContent = `nbtrack could not show this: ${said} Reload the page to try again.`;
    }
  }
}

/** A tab of the main area. */
export class ViewTab extends MainAreaWidget<LiveView> {
  constructor(content: LiveView, id: string, label: string) {
    super({ content });
    this.id = id;
    this.title.label = label;
    this.title.icon = nbtrackIcon;
    this.title.closable = true;
    this.toolbar.hide();
  }
}
