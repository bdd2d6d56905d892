import { isGone, ServerError } from './server';

export const CHANGED = 'https://nbtrack.dev/events/store-changed/v1';
/** How long a lease lasts, and how often it is renewed. */
const LEASE_S = 60;
const RENEW_MS = 45_000;
/** How often a server is asked that does not answer. */
const SILENT_MS = 3000;

/** What a server tells; ours name a store. */
export interface Emission {
  schema_id: string;
  [more: string]: unknown;
}
type Hear = (sender: unknown, event: Emission) => void;

/** The events of the server; `Event.IStream` of JupyterLab is one. */
export interface Events {
  connect(hear: Hear): unknown;
  disconnect(hear: Hear): unknown;
}

interface Listener {
  store: string;
  changed(): void;
  gone?: ((error: unknown) => void) | undefined;
}

/**
 * Notifies listeners of changes of a store.
 *
 * The server watches a store only while a page renews its lease, and a page does so only while it is visible and
 * has listeners: without listeners there are no requests at all. For a store that is gone nothing more is asked,
 * until somebody looks at it again.
 */
export class StoreWatcher {
  /** The shortest time between two notifications of a store. */
  pauseMs = 1000;
  private readonly listeners = new Set<Listener>();
  private readonly lost = new Set<string>();
  /** Those whose server does not answer, and when it is asked again. */
  private readonly silent = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly due = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly lastNotified = new Map<string, number>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly events: Events,
    private readonly lease: (store: string, seconds: number) => Promise<void>
  ) {}

  /** Listen to the changes of a store, and hear when it is gone. Returns a function that stops it. */
  watch(store: string, changed: () => void, gone?: (error: unknown) => void): () => void {
    const listener: Listener = { store, changed, gone };
    const first = this.listeners.size === 0;
    const fresh = ![...this.listeners].some(other => other.store === store);
    this.listeners.add(listener);
    if (first) this.start();
    if (fresh || this.lost.has(store)) void this.renew(store);
    return () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) this.stop();
    };
  }

  /** Notify the listeners of a change that this page has made. */
  notify(store: string): void {
    for (const listener of [...this.listeners]) if (listener.store === store) listener.changed();
  }

  /** Look whether the server answers: something says that it may not. */
  check(): void {
    this.renewAll(store => !this.lost.has(store) && !this.silent.has(store));
  }

  private start(): void {
    this.events.connect(this.onEvent);
    document.addEventListener('visibilitychange', this.onVisible);
    this.timer = setInterval(() => this.renewAll(store => !this.lost.has(store)), RENEW_MS);
  }

  private stop(): void {
    this.events.disconnect(this.onEvent);
    document.removeEventListener('visibilitychange', this.onVisible);
    clearInterval(this.timer);
    for (const timer of this.due.values()) clearTimeout(timer);
    this.due.clear();
  }

  private renewAll(isWanted: (store: string) => boolean): void {
    const stores = new Set([...this.listeners].map(listener => listener.store));
    for (const store of stores) if (isWanted(store)) void this.renew(store);
  }

  private async renew(store: string): Promise<void> {
    if (document.hidden) return;
    try {
      await this.lease(store, LEASE_S);
      this.lost.delete(store);
      if (this.silent.delete(store)) this.notify(store);
    } catch (error) {
      if (!isGone(error) && error instanceof ServerError && ['offline', 'refused'].includes(error.kind)) return this.onSilent(store);
      if (!isGone(error)) return; // listeners send requests of their own, and show what is wrong
      this.lost.add(store);
      for (const listener of [...this.listeners]) if (listener.store === store) listener.gone?.(error);
    }
  }

  /** Let the listeners ask: they show what is wrong, and when the server is back what there is. */
  private onSilent(store: string): void {
    const known = this.silent.has(store);
    clearTimeout(this.silent.get(store));
    const again = (): void => {
      if ([...this.listeners].some(listener => listener.store === store)) void this.renew(store);
      else this.silent.delete(store);
    };
    this.silent.set(store, setTimeout(again, SILENT_MS));
    if (!known) this.notify(store);
  }

  private readonly onVisible = (): void => {
    if (document.hidden) return;
    this.renewAll(() => true);
    // events may have been missed meanwhile
    for (const listener of [...this.listeners]) listener.changed();
  };

  private readonly onEvent = (_sender: unknown, event: Emission): void => {
    const store = event['store'];
    if (event.schema_id !== CHANGED || typeof store !== 'string' || this.due.has(store) || document.hidden) return;
    const wait = Math.max(0, (this.lastNotified.get(store) ?? 0) + this.pauseMs - Date.now());
    this.due.set(
      store,
      setTimeout(() => {
        this.due.delete(store);
        this.lastNotified.set(store, Date.now());
        for (const listener of [...this.listeners]) if (listener.store === store) listener.changed();
      }, wait)
    );
  };
}
