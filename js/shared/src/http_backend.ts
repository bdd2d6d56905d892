import { type BackendResponse, type Backend, type Body, type Params, type RequestName, UnknownStoreError } from './backend';
import { isGone, type NbtrackServer, ServerError } from './server';
import { messageOf } from './dom';

/** Asks the Jupyter server about one store. */
export class HttpBackend implements Backend {
  constructor(
    private readonly server: NbtrackServer,
    readonly storeId: string
  ) {}

  async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    try {
      const { body, buffers } = await this.server.ask(this.storeId, { ...params, type });
      return { body: body as Body<N>, buffers: (buffers ?? []).map(decode) };
    } catch (error) {
      // a kernel may know the store that this server does not, or there is no server extension to know any
      if (isGone(error) || (error instanceof ServerError && error.kind === 'missing')) {
        throw new UnknownStoreError(messageOf(error));
      }
      throw error;
    }
  }
}

/** The bytes of a base64 text. */
export function decode(text: string): DataView {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new DataView(bytes.buffer);
}
