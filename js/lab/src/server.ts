import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { StoreInfo } from './answers';

/** The part of JupyterLab's settings and requests that is used; tests bring their own. */
export interface Connection {
  settings: ServerConnection.ISettings;
  request(url: string, init: RequestInit, settings: ServerConnection.ISettings): Promise<Response>;
}

/** What the server said when it refused, or why it could not be asked. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly kind: 'missing' | 'offline' | 'login' | 'refused',
    readonly code = ''
  ) {
    super(message);
  }
}

/** nbtrack's part of the Jupyter server; all addresses are below its base URL. */
export class NbtrackServer {
  constructor(private readonly connection: Connection = connect()) {}

  /** The stores below the server's root, those of its kernels, and the one of the settings. */
  async stores(refresh = false): Promise<StoreInfo[]> {
    const query: Record<string, string> = refresh ? { refresh: '1' } : {};
    return (await this.fetch<{ stores: StoreInfo[] }>(['stores'], { method: 'GET' }, query)).stores;
  }

  /** Ask for events about a store for some seconds. */
  async watch(store: string, seconds: number): Promise<void> {
    await this.fetch(['watch'], { method: 'POST', body: JSON.stringify({ store, seconds }) });
  }

  /** Send a question and return what came back, as it is on the wire. */
  ask(store: string, question: object): Promise<{ body: unknown; buffers?: string[] }> {
    return this.fetch(['ask'], { method: 'POST', body: JSON.stringify(question) }, { store });
  }

  /** The address of an endpoint, for a link. */
  address(path: string[], query: Record<string, string> = {}): string {
    const url = URLExt.join(this.connection.settings.baseUrl, 'nbtrack', ...path);
    return url + URLExt.objectToQueryString(query);
  }

  private async fetch<T>(path: string[], init: RequestInit, query: Record<string, string> = {}): Promise<T> {
    const { request, settings } = this.connection;
    let response: Response;
    try {
      response = await request(this.address(path, query), init, settings);
    } catch (error) {
      throw new ServerError('The Jupyter server does not answer. Is it still running?', 'offline', String(error));
    }
    const text = await response.text();
    const data = parse(text);
    if (response.ok && data !== undefined) return data as T;
    const said = (data ?? {}) as { error_code?: string; message?: string };
    if (said.error_code && said.message) throw new ServerError(said.message, 'refused', said.error_code);
    if (response.status === 404 || response.ok) {
      throw new ServerError('The Jupyter server runs without nbtrack’s server extension.', 'missing');
    }
    if (response.status === 401 || response.status === 403) {
      throw new ServerError('The Jupyter server asks for a login. Reload the page and log in again.', 'login');
    }
    throw new ServerError(said.message || `The Jupyter server answered ${response.status}.`, 'refused');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function connect(): Connection {
  return { settings: ServerConnection.makeSettings(), request: ServerConnection.makeRequest };
}
