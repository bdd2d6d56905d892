import type { Emission, Events } from '@nbtrack/shared/watcher';

type Listener = Parameters<Events['connect']>[0];

/** The server-sent events of the server, open while there are listeners; the browser reconnects by itself. */
export class StoreEvents implements Events {
  private readonly listeners = new Set<Listener>();
  private source: EventSource | null = null;

  constructor(private readonly address: string) {}

  connect(listener: Listener): void {
    this.listeners.add(listener);
    if (this.source) return;
    this.source = new EventSource(this.address);
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
