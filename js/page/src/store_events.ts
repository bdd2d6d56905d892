import type { Emission, Events } from '@nbtrack/shared/watcher';

type Listener = Parameters<Events['connect']>[0];

const AGAIN_MS = 3000;

/** The server-sent events of the server, open while there are listeners; the browser reconnects by itself. */
export class StoreEvents implements Events {
  private readonly listeners = new Set<Listener>();
  private source: EventSource | null = null;

  constructor(
    private readonly address: string,
    /** Is told when the server has closed them, and whenever it is not reached. */
    private readonly onLost: () => void
  ) {}

  connect(listener: Listener): void {
    this.listeners.add(listener);
    if (this.source) return;
    this.open();
  }

  private open(): void {
    this.source = new EventSource(this.address);
    this.source.onerror = () => {
      // after an answer that is no stream, as of a server that stops, the browser gives up
      if (this.source?.readyState === EventSource.CLOSED) setTimeout(() => this.source && this.open(), AGAIN_MS);
      this.onLost();
    };
    this.source.onmessage = message => {
      const event = JSON.parse(String(message.data)) as Emission;
      for (const each of [...this.listeners]) each(this, event);
    };
  }

  disconnect(listener: Listener): void {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return;
    this.source?.close();
    this.source = null;
  }
}
