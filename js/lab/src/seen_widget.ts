import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

/** A widget that works only while it is seen. */
export abstract class SeenWidget extends Widget {
  /** It is seen now; it may have been before. */
  protected abstract begin(): void;

  /** It is seen no more; it may not have been. */
  protected abstract rest(): void;

  override dispose(): void {
    this.rest();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) this.begin();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.begin();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.rest();
  }

  protected override onBeforeDetach(message: Message): void {
    this.rest();
    super.onBeforeDetach(message);
  }
}
