import type { IGetRowsParams } from 'ag-grid-community';
import { messageOf } from './dom';
import type { BackendResponse } from './backend';
import { released } from './presses';
import type { Page } from './requests';
import { fits } from './table_parts';
import type { FirstPage, RowsQuery } from './view_data';

const SLOW_MS = 800;

/** What the rows of a table come from, and who is told of them. */
export interface RowsEvents {
  /** Where the rows are: while one is pressed, those that have come wait for the click. */
  host: Node;
  query(): RowsQuery;
  read(query: RowsQuery, start: number, stop: number): Promise<BackendResponse<Page>>;
  /** Rows are here; `pushed` are those that nobody had to ask for. */
  take(params: IGetRowsParams, page: Page, buffers: readonly DataView[], pushed: boolean): void;
  waiting(): void;
  /** They could not be read; `stay` says whether those that are here are of this view. */
  failed(message: string, stay: boolean): void;
}

/** Answers what the grid asks for: with the rows that were pushed, or with those of the backend. */
export class TableRows {
  /** Counts the views: what was asked for an earlier one is of no use. */
  generation = 0;
  private first: FirstPage | null;
  private last = 0;
  /** The view that the rows which are here belong to. */
  private taken = -1;
  private slow: ReturnType<typeof setTimeout> | undefined;
  private disposed = false;

  constructor(
    first: FirstPage | undefined,
    private readonly events: RowsEvents
  ) {
    this.first = first ?? null;
  }

  /** Take the first rows of a view; return whether it is the one that is shown. */
  push(first: FirstPage): boolean {
    this.first = first;
    return fits(first, this.events.query());
  }

  /** Leave what was pushed: the rows have changed. */
  forget(): void {
    this.first = null;
  }

  /** Begin another view. */
  renew(): void {
    this.generation++;
    if (this.first && !fits(this.first, this.events.query())) this.first = null;
  }

  stopWaiting(): void {
    clearTimeout(this.slow);
  }

  dispose(): void {
    this.disposed = true;
    this.stopWaiting();
  }

  async get(params: IGetRowsParams): Promise<void> {
    const { events, first, generation } = this;
    const number = ++this.last;
    try {
      const query = events.query();
      const pushed = first && params.startRow === 0 && fits(first, query) ? first : null;
      const { body, buffers } = pushed ? { body: pushed, buffers: pushed.buffers } : await this.read(query, params);
      await released(events.host);
      if (this.disposed) return;
      // a response of the view before: the grid has asked again
      if (generation !== this.generation) return params.failCallback();
      this.taken = generation;
      events.take(params, body, buffers, pushed !== null);
    } catch (error) {
      if (this.disposed) return;
      params.failCallback();
      if (generation === this.generation) events.failed(messageOf(error), this.taken === generation);
    } finally {
      if (number === this.last) this.stopWaiting();
    }
  }

  private read(query: RowsQuery, { startRow, endRow }: IGetRowsParams): Promise<BackendResponse<Page>> {
    this.stopWaiting();
    this.slow = setTimeout(() => this.events.waiting(), SLOW_MS);
    return this.events.read(query, startRow, endRow);
  }
}
