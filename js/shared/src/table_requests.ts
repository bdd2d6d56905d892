import type { BackendResponse, Backend, Body, Params, RequestName } from './backend';
import type { Page, Stage, TableColumns } from './requests';
import type { ExportFormat } from './table_bar';
import type { RowsQuery } from './view_data';

type AboutRuns = Extract<RequestName, `table.${string}`>;

/** The runs that a table is about. */
interface Scope {
  backend: Backend;
  experimentIds: string[] | null;
  runIds?: string[];
}

/** The requests of a table to its backend, always about the same runs. */
export class TableRequests {
  constructor(private readonly scope: Scope) {}

  async columns(stage: Stage): Promise<TableColumns> {
    return (await this.ask('table.columns', { stage })).body;
  }

  rows(query: RowsQuery, start: number, stop: number): Promise<BackendResponse<Page>> {
    return this.ask('table.rows', { ...query, start, stop });
  }

  async unfinished(filter: string): Promise<boolean> {
    return (await this.ask('table.unfinished', { filter })).body.unfinished;
  }

  /** The ids of all runs that match, or of those in some groups. */
  async ids(query: RowsQuery, groups?: string[]): Promise<string[]> {
    const { body } = await this.ask('table.ids', groups ? { ...query, groups } : query);
    return body.run_ids;
  }

  /** What is to be exported: the chosen runs, or where none are all that match. */
  forExport(query: RowsQuery, chosen: string[], format: ExportFormat): RowsQuery & { format: ExportFormat } {
    const { experimentIds: experiment_ids, runIds } = this.scope;
    const scope = { experiment_ids, run_ids: chosen.length > 0 ? chosen : runIds };
    return { ...query, ...scope, format };
  }

  private ask<N extends AboutRuns>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    const { backend, experimentIds, runIds } = this.scope;
    return backend.ask(type, { ...params, experiment_ids: experimentIds, run_ids: runIds });
  }
}
