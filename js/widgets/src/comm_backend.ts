import type { AnyModel } from '@anywidget/types';
import { type BackendResponse, type Backend, type Body, type Params, type RequestName, serverBackend, UnknownStoreError } from '@nbtrack/shared/backend';
import { KERNEL_GONE } from '@nbtrack/shared/protocol';
import type { AnswerMessage, NoAnswerMessage, ViewTraits } from '@nbtrack/shared/view_data';
import { bundleModel } from './bundle_model';
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

  constructor(
    private readonly model: AnyModel<ViewTraits>,
    /** Is told when there is no kernel any more: nothing comes by itself then. */
    private readonly onGone: (reason: string) => void = () => undefined
  ) {
    model.on('msg:custom', this.onMessage);
    // front ends that keep their models when the kernel is gone say so
    model.on('comm_live_update', this.onLive);
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
    this.model.off('comm_live_update', this.onLive);
    this.rejectAll('The view was closed.');
  }

  private rejectAll(reason: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(reason));
    this.waiting.clear();
  }

  private async look(): Promise<void> {
    if ((await bundleModel(this.model))?.comm_live !== false) return;
    this.rejectAll(KERNEL_GONE);
    this.onGone(KERNEL_GONE);
  }

  private readonly onLive = (): void => void this.look();

  private readonly onMessage = (message: AnswerMessage | NoAnswerMessage, buffers: DataView[]): void => {
    if (message?.type !== 'answer' && message?.type !== 'failed') return;
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    if (message.type === 'answer') waiting.resolve({ body: message.body, buffers });
    else waiting.reject(new Error(message.message));
  };
}
