/** What opens runs beside the notebook that a view is in, where the page has something of that kind. */
export interface Opener {
  run(storeId: string, runId: string): void;
  compare(storeId: string, runIds: readonly string[]): void;
}

const KEY = Symbol.for('nbtrack.opener@1');
type Page = typeof globalThis & { [KEY]?: Opener };

/** Tell the page that runs can be opened beside its notebooks. */
export function offerOpener(opener: Opener): void {
  (globalThis as Page)[KEY] = opener;
}

export function pageOpener(): Opener | null {
  return (globalThis as Page)[KEY] ?? null;
}
