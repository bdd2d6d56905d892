export const CHANGED = 'https://nbtrack.dev/events/store-changed/v1';
/** How long the server looks at a store for us, and how often we say that somebody still looks. */
const LEASE_S = 60;
const RENEW_MS = 45_000;

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

interface Looker {
  store: string;
  changed(): void;
}

/**
 * Says when a store changed, to those who look at it now.
 *
 * The server looks at a store only while it is asked to, and it is asked only while the page is visible
 * and somebody looks: without lookers there are no requests at all.
 */
export class StoreWatcher {
  /** The shortest time between two news of a store. */
  pauseMs = 1000;
  private readonly lookers = new Set<Looker>();
  private readonly due = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly told = new Map<string, number>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly events: Events,
    private readonly lease: (store: string, seconds: number) => Promise<void>
  ) {}

  /** Hear about the changes of a store. Returns what ends that. */
  look(store: string, changed: () => void): () => void {
    const looker = { store, changed };
    const first = this.lookers.size === 0;
    const fresh = ![...this.lookers].some(other => other.store === store);
    this.lookers.add(looker);
    if (first) this.start();
    if (fresh) void this.renew(store);
    return () => {
      if (this.lookers.delete(looker) && this.lookers.size === 0) this.stop();
    };
  }

  /** Say that this page itself has changed a store. */
  tell(store: string): void {
    for (const looker of [...this.lookers]) if (looker.store === store) looker.changed();
  }

  private start(): void {
    this.events.connect(this.onEvent);
    document.addEventListener('visibilitychange', this.onVisible);
    this.timer = setInterval(() => this.renewAll(), RENEW_MS);
  }

  private stop(): void {
    this.events.disconnect(this.onEvent);
    document.removeEventListener('visibilitychange', this.onVisible);
    clearInterval(this.timer);
    for (const timer of this.due.values()) clearTimeout(timer);
    this.due.clear();
  }

  private renewAll(): void {
    for (const store of new Set([...this.lookers].map(looker => looker.store))) void this.renew(store);
  }

  private async renew(store: string): Promise<void> {
    if (document.hidden) return;
    try {
      await this.lease(store, LEASE_S);
    } catch {
      // whoever looks also asks, and shows what is wrong
    }
  }

  private readonly onVisible = (): void => {
    if (document.hidden) return;
    this.renewAll();
    // events may have been missed meanwhile
    for (const looker of [...this.lookers]) looker.changed();
  };

  private readonly onEvent = (_sender: unknown, event: Emission): void => {
    const store = event['store'];
    if (event.schema_id !== CHANGED || typeof store !== 'string' || this.due.has(store) || document.hidden) return;
    const wait = Math.max(0, (this.told.get(store) ?? 0) + this.pauseMs - Date.now());
    this.due.set(
      store,
      setTimeout(() => {
        this.due.delete(store);
        this.told.set(store, Date.now());
        for (const looker of [...this.lookers]) if (looker.store === store) looker.changed();
      }, wait)
    );
  };
}
