import type { Backend } from './backend';
import { errorBox, h, messageOf } from './dom';
import { importanceTable } from './importance';
import { released } from './presses';
import type { ScopeRequest } from './protocol_comparison';

const REFRESH_EVERY_MS = 10_000;

/** Which params a metric depends on: asked where it is shown, since it may take seconds. */
export class ImportanceView {
  private requested = '';
  private last: [scope: ScopeRequest, metric: string] | null = null;
  private stale = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly body: HTMLElement,
    private readonly backend: Backend,
    private readonly onParam: (param: string, metric: string) => void,
    private readonly onShown: () => void = () => undefined
  ) {}

  show(scope: ScopeRequest, metric: string): void {
    if (!metric) {
      this.requested = '';
      this.body.replaceChildren(h('p', { class: 'nbt-note' }, 'These runs have no metric to judge by.'));
      this.onShown();
      return;
    }
    this.last = [scope, metric];
    void this.ask(scope, metric);
  }

  /** While runs go on: ask again, at most so often, and only while it is shown. */
  refreshLater(shown: () => boolean): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.stale = true;
      if (shown() && document.visibilityState !== 'hidden' && this.last) void this.ask(...this.last);
    }, REFRESH_EVERY_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.requested = '';
  }

  private async ask(scope: ScopeRequest, metric: string): Promise<void> {
    const requested = JSON.stringify([scope, metric]);
    if (requested === this.requested && !this.stale) return;
    // what is there stays until there is something newer of the same
    if (requested !== this.requested) this.body.replaceChildren(h('p', { class: 'nbt-note', role: 'status' }, 'Working it out…'));
    this.requested = requested;
    this.stale = false;
    try {
      const { body } = await this.backend.ask('compare.importance', { ...scope, metric });
      await released(this.body);
      if (requested === this.requested) this.body.replaceChildren(importanceTable(body, param => this.onParam(param, metric)));
    } catch (error) {
      if (requested === this.requested) this.body.replaceChildren(errorBox(messageOf(error)));
    }
    if (requested === this.requested) this.onShown();
  }
}
