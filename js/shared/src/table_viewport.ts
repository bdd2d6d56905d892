import type { GridApi, ViewportChangedEvent } from 'ag-grid-community';
import type { Backend } from './backend';
import type { Row } from './rows';
import { CurveCache } from './table_curves';
import { BLOCK } from './table_grid';
import { runsShown } from './table_parts';

/** How far ahead rows are asked for: at four rows a frame, a quarter of a second. */
const AHEAD = Math.round(0.6 * BLOCK);

/**
 * What is asked for as rows come into view: the rows after them, and their small curves.
 *
 * A row that is drawn before it is here is drawn twice: as one that is loading, and again with its values.
 */
export class TableViewport {
  private readonly curves: CurveCache;
  private from = 0;

  /** `keys` are the curves that are shown; `changed` is told when some have come. */
  constructor(
    backend: Backend,
    private readonly api: () => GridApi<Row>,
    private readonly keys: () => string[],
    changed: () => unknown
  ) {
    this.curves = new CurveCache(backend, () => void changed());
  }

  curve(runId: string, key: string): Float64Array | null | undefined {
    return this.curves.get(runId, key);
  }

  /** Ask for all curves again. */
  forget(): void {
    this.curves.forget();
  }

  onChanged({ firstRow, lastRow }: Pick<ViewportChangedEvent, 'firstRow' | 'lastRow'>): void {
    this.wantCurves();
    if (firstRow === this.from) return;
    const down = firstRow > this.from;
    this.from = firstRow;
    const api = this.api();
    // the grid asks for the block of a row that it is asked for
    api.getDisplayedRowAtIndex(down ? Math.min(lastRow + AHEAD, api.getDisplayedRowCount() - 1) : Math.max(firstRow - AHEAD, 0));
  }

  wantCurves(): void {
    const keys = this.keys();
    if (keys.length > 0) this.curves.want(runsShown(this.api()), keys);
  }
}
