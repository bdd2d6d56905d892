import type { Answer, Backend } from './backend';
import type { ColumnsAnswer, Page, RowsQuery, Stage } from './protocol_table';
import type { ExportFormat } from './table_bar';

/** The runs that a table is about. */
interface Scope {
  backend: Backend;
  experimentIds: string[] | null;
  runIds?: string[];
}

/** What a table asks its backend, always about the same runs. */
export class TableQuestions {
  constructor(private readonly scope: Scope) {}

  async columns(stage: Stage): Promise<ColumnsAnswer> {
    return (await this.ask<ColumnsAnswer>('table.columns', { stage })).body;
  }

  rows(query: RowsQuery, start: number, stop: number): Promise<Answer<Page>> {
    return this.ask<Page>('table.rows', { ...query, start, stop });
  }

  /** The ids of all runs that match, or of those in some groups. */
  async ids(query: RowsQuery, groups?: string[]): Promise<string[]> {
    const { body } = await this.ask<{ run_ids: string[] }>('table.ids', groups ? { ...query, groups } : query);
    return body.run_ids;
  }

  /** What is to be exported: the chosen runs, or where none are all that match. */
  forExport(query: RowsQuery, chosen: string[], format: ExportFormat): RowsQuery & { format: ExportFormat } {
    const { experimentIds: experiment_ids, runIds } = this.scope;
    const scope = { experiment_ids, run_ids: chosen.length > 0 ? chosen : runIds };
    return { ...query, ...scope, format };
  }

  private ask<T>(type: string, question: object): Promise<Answer<T>> {
    const { backend, experimentIds, runIds } = this.scope;
    return backend.ask<T>(type, { ...question, experiment_ids: experimentIds, run_ids: runIds });
  }
}
