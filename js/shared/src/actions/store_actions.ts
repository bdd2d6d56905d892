import type { BackendResponse, Body, Params, RequestName } from '../backend';
import type { Stores } from '../app_host';
import { messageOf } from '../dom';

const UNDO_MS = 8000;
const SAID_MS = 3000;

/** Requests that change a store: what goes wrong is said, what went well is shown everywhere. */
export class StoreActions {
  constructor(
    protected readonly nbtrack: Stores,
    protected readonly storeId: string
  ) {}

  protected async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>> | null> {
    try {
      return await this.nbtrack.backend(this.storeId).ask(type, params);
    } catch (error) {
      this.nbtrack.appHost.notify('error', messageOf(error));
      return null;
    }
  }

  /** Ask for a change; whether it was made. */
  protected async change<N extends RequestName>(type: N, params: Params<N>): Promise<boolean> {
    if ((await this.ask(type, params)) === null) return false;
    this.nbtrack.changed(this.storeId);
    return true;
  }

  protected confirm(label: string, what: string): Promise<boolean> {
    return this.nbtrack.appHost.confirm(`${label} ${what}?`, 'Its data stay in the store. Find it under “Deleted” to bring it back.', label);
  }

  /** Say what was done, and offer to undo it where that can be. */
  protected notify(done: string, undo?: () => Promise<unknown>): void {
    this.nbtrack.appHost.notify('success', done, undo ? { ms: UNDO_MS, undo } : { ms: SAID_MS });
  }
}
