import type { Emission, Events } from '@nbtrack/shared/watcher';

type Hear = Parameters<Events['connect']>[0];

/** The server's news, heard as long as somebody listens; the browser connects again by itself. */
export class News implements Events {
  private readonly hearers = new Set<Hear>();
  private source: EventSource | null = null;

  constructor(private readonly address: string) {}

  connect(hear: Hear): void {
    this.hearers.add(hear);
    if (this.source) return;
    this.source = new EventSource(this.address);
    this.source.onmessage = message => {
      const told = JSON.parse(String(message.data)) as Emission;
      for (const each of [...this.hearers]) each(this, told);
    };
  }

  disconnect(hear: Hear): void {
    this.hearers.delete(hear);
    if (this.hearers.size > 0) return;
    this.source?.close();
    this.source = null;
  }
}
