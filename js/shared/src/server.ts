import type { StoreInfo } from './requests';

/** How a server is reached, and what it is called. */
export interface Connection {
  /** The address that all others are below. */
  baseUrl: string;
  /** Such as 'The Jupyter server'. */
  name: string;
  request(url: string, init: RequestInit): Promise<Response>;
}

/** What the server said when it refused, or why it could not be asked; known by its name, as `UnknownStoreError`. */
export class ServerError extends Error {
  override readonly name = 'ServerError';

  static override [Symbol.hasInstance](error: unknown): boolean {
    return error instanceof Error && error.name === 'ServerError';
  }

  constructor(
    message: string,
    readonly kind: 'missing' | 'offline' | 'login' | 'refused',
    readonly code = ''
  ) {
    super(message);
  }
}

/** Whether a server said that it has no such store (any more). */
export function isGone(error: unknown): boolean {
  return error instanceof ServerError && error.code === 'STORE_NOT_FOUND';
}

/** nbtrack's part of a server; all addresses are below its base URL. */
export class NbtrackServer {
  constructor(private readonly connection: Connection) {}

  /** The stores below the server's root, those of its kernels, and the one of the settings. */
  async stores(refresh = false): Promise<StoreInfo[]> {
    const query: Record<string, string> = refresh ? { refresh: '1' } : {};
    return (await this.fetch<{ stores: StoreInfo[] }>(['stores'], { method: 'GET' }, query)).stores;
  }

  /** Ask for events about a store for some seconds. */
  async watch(store: string, seconds: number): Promise<void> {
    await this.fetch(['watch'], { method: 'POST', body: JSON.stringify({ store, seconds }) });
  }

  /** Send a request and return the response, as it is on the wire. */
  ask(store: string, request: object): Promise<{ body: unknown; buffers?: string[] }> {
    return this.fetch(['ask'], { method: 'POST', body: JSON.stringify(request) }, { store });
  }

  /** The address of an endpoint, for a link. */
  address(path: string[], query: Record<string, string> = {}): string {
    const url = [this.connection.baseUrl.replace(/\/$/, ''), 'nbtrack', ...path].join('/');
    return Object.keys(query).length > 0 ? `${url}?${new URLSearchParams(query)}` : url;
  }

  private async fetch<T>(path: string[], init: RequestInit, query: Record<string, string> = {}): Promise<T> {
    const { name } = this.connection;
    let response: Response;
    try {
      response = await this.connection.request(this.address(path, query), init);
    } catch (error) {
      throw new ServerError(`${name} does not answer. Is it still running?`, 'offline', String(error));
    }
    const text = await response.text();
    const data = parse(text);
    if (response.ok && data !== undefined) return data as T;
    const said = (data ?? {}) as { error_code?: string; message?: string };
    if (said.error_code && said.message) throw new ServerError(said.message, 'refused', said.error_code);
    if (response.status === 404 || response.ok) {
      throw new ServerError(`${name} runs without nbtrack’s server extension.`, 'missing');
    }
    if (response.status === 401 || response.status === 403) {
      throw new ServerError(`${name} asks for a login. Reload the page and log in again.`, 'login');
    }
    throw new ServerError(said.message || `${name} answered ${response.status}.`, 'refused');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
