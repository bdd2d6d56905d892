import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

/** A widget that works only while it is visible. */
export abstract class VisibleWidget extends Widget {
  /** It is visible now; it may have been before. */
  protected abstract onVisible(): void;

  /** It is hidden now; it may have been before. */
  protected abstract onHidden(): void;

  override dispose(): void {
    this.onHidden();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) this.onVisible();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.onVisible();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.onHidden();
  }

  protected override onBeforeDetach(message: Message): void {
    this.onHidden();
    super.onBeforeDetach(message);
  }
}
