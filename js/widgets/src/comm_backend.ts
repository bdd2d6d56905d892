import type { AnyModel } from '@anywidget/types';
import { type BackendResponse, type Backend, type Body, type Params, type RequestName, serverBackend, UnknownStoreError } from '@nbtrack/shared/backend';
import { KERNEL_GONE } from '@nbtrack/shared/protocol';
import type { AnswerMessage, NoAnswerMessage, ViewTraits } from '@nbtrack/shared/view_data';
import { sent } from './send';

type Waiting = { resolve(answer: BackendResponse<unknown>): void; reject(error: Error): void };

/**
 * Asks the kernel, through the comm of a widget.
 *
 * A kernel that runs a cell may answer only when the cell has ended, so a server that knows the store is
 * asked first, where the page has one.
 */
export class CommBackend implements Backend {
  private readonly waiting = new Map<string, Waiting>();
  private readonly view = crypto.randomUUID();
  private requestNumber = 0;
  private serverKnows = true;

  constructor(private readonly model: AnyModel<ViewTraits>) {
    model.on('msg:custom', this.onMessage);
  }

  async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    const server = this.serverKnows ? serverBackend(this.model.get('store_id')) : null;
    if (server) {
      try {
        return await server.ask(type, params);
      } catch (error) {
        if (!(error instanceof UnknownStoreError)) throw error;
        this.serverKnows = false;
      }
    }
    // several views of one model hear all responses, so the id says whose it is
    const id = `${this.view}:${++this.requestNumber}`;
    return new Promise<BackendResponse<Body<N>>>((resolve, reject) => {
      this.waiting.set(id, { resolve: answer => resolve(answer as BackendResponse<Body<N>>), reject });
      if (sent(this.model, { type: 'ask', id, question: { ...params, type } })) return;
      this.waiting.delete(id);
      reject(new Error(KERNEL_GONE));
    });
  }

  /** Whether a server responds, as far as is known. */
  get isServed(): boolean {
    return this.serverKnows && serverBackend(this.model.get('store_id')) !== null;
  }

  dispose(): void {
    this.model.off('msg:custom', this.onMessage);
    for (const { reject } of this.waiting.values()) reject(new Error('The view was closed.'));
    this.waiting.clear();
  }

  private readonly onMessage = (message: AnswerMessage | NoAnswerMessage, buffers: DataView[]): void => {
    if (message?.type !== 'answer' && message?.type !== 'failed') return;
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    if (message.type === 'answer') waiting.resolve({ body: message.body, buffers });
    else waiting.reject(new Error(message.message));
  };
}
