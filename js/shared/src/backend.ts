import type { Requests } from './requests';

export type RequestName = keyof Requests;
export type Params<N extends RequestName> = Requests[N]['params'];
export type Body<N extends RequestName> = Requests[N]['response'];

/** A response: plain JSON, and numbers as little-endian buffers. */
export interface BackendResponse<T> {
  body: T;
  buffers: DataView[];
}

/**
 * What responds to requests about a store: the kernel through a widget's comm, or a server.
 *
 * A request is `{type: "<topic>.<verb>", ...}`; `nbtrack.rpc` has them all.
 */
export interface Backend {
  ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>>;
}

/**
 * Says that this backend does not know the store; another may.
 *
 * A widget and the page around it are two bundles with a class each: what one throws and the other catches is
 * known by its name.
 */
export class UnknownStoreError extends Error {
  override readonly name = 'UnknownStoreError';

  static override [Symbol.hasInstance](error: unknown): boolean {
    return error instanceof Error && error.name === 'UnknownStoreError';
  }
}

const KEY = Symbol.for('nbtrack.server@1');
type Page = typeof globalThis & { [KEY]?: (storeId: string) => Backend };

/** Tell the page that a server responds to requests about stores: it does so while kernels are busy, too. */
export function offerServer(backendOf: (storeId: string) => Backend): void {
  (globalThis as Page)[KEY] = backendOf;
}

/** The server's backend for a store, where the page has one. */
export function serverBackend(storeId: string): Backend | null {
  return storeId ? ((globalThis as Page)[KEY]?.(storeId) ?? null) : null;
}

const INTERRUPT = Symbol.for('nbtrack.interrupt');
type Interrupt = (element: HTMLElement) => Promise<void>;

/** What interrupts the kernel of the notebook that an element is in, where the page offers it. */
export function pageInterrupt(): Interrupt | null {
  return (globalThis as typeof globalThis & { [INTERRUPT]?: Interrupt })[INTERRUPT] ?? null;
}
