import {
  CellApiModule,
  CellStyleModule,
  ColumnApiModule,
  createGrid,
  EventApiModule,
  type GridApi,
  type GridOptions,
  InfiniteRowModelModule,
  LocaleModule,
  ModuleRegistry,
  RenderApiModule,
  RowApiModule,
  RowStyleModule,
  ScrollApiModule,
  TextEditorModule,
  themeQuartz
} from 'ag-grid-community';
import type { Row } from './rows';

export const ROW_HEIGHT = 28;
export const HEADER_HEIGHT = 28;
export const GROUP_HEADER_HEIGHT = 22;
/** How many rows are asked for at once. */
export const BLOCK = 100;

let registered = false;

/** Only what the tables use: each module adds to the bundle. */
function register(): void {
  if (registered) return;
  registered = true;
  ModuleRegistry.registerModules([
    CellApiModule,
    CellStyleModule,
    ColumnApiModule,
    EventApiModule,
    InfiniteRowModelModule,
    LocaleModule,
    RenderApiModule,
    RowApiModule,
    RowStyleModule,
    ScrollApiModule,
    TextEditorModule
  ]);
}

/** The grid in our colours, which are variables: it follows the theme of the page by itself. */
const theme = themeQuartz.withParams({
  accentColor: 'var(--nbt-accent)',
  backgroundColor: 'var(--nbt-page)',
  foregroundColor: 'var(--nbt-text)',
  textColor: 'var(--nbt-text)',
  borderColor: 'var(--nbt-line)',
  headerBackgroundColor: 'var(--nbt-page)',
  headerTextColor: 'var(--nbt-muted)',
  headerFontWeight: 600,
  headerFontSize: 12,
  // the same in a heading of one line and of two
  headerColumnResizeHandleHeight: 14,
  headerRowBorder: { color: 'var(--nbt-line)' },
  rowBorder: { color: 'var(--nbt-grid)' },
  columnBorder: false,
  wrapperBorder: { color: 'var(--nbt-line)' },
  wrapperBorderRadius: 6,
  rowHoverColor: 'color-mix(in srgb, var(--nbt-text) 4%, transparent)',
  rangeSelectionBorderColor: 'var(--nbt-accent)',
  cellHorizontalPadding: 10,
  fontFamily: 'inherit',
  fontSize: 12.5,
  dataFontSize: 12.5,
  spacing: 5,
  rowHeight: ROW_HEIGHT,
  headerHeight: HEADER_HEIGHT,
  browserColorScheme: 'inherit'
});

/** Make a grid inside `host`. */
export function makeGrid(host: HTMLElement, options: GridOptions<Row>): GridApi<Row> {
  register();
  return createGrid<Row>(host, {
    theme,
    // also where the host stands in a shadow root, or not yet in the page
    themeStyleContainer: host,
    loadThemeGoogleFonts: false,
    columnDefs: [],
    defaultColDef: { suppressHeaderMenuButton: true },
    context: {},
    getRowId: ({ data }) => data.id,
    rowClass: 'nbt-row',
    rowModelType: 'infinite',
    cacheBlockSize: BLOCK,
    maxBlocksInCache: 12,
    cacheOverflowSize: 1,
    maxConcurrentDatasourceRequests: 2,
    blockLoadDebounceMillis: 30,
    // each row that stands beyond the edge is laid out and painted with every frame
    rowBuffer: 4,
    // one that is moved by a transform is a layer's piece of its own
    suppressRowTransform: true,
    // those of the theme are not known while the host is not in the page
    rowHeight: ROW_HEIGHT,
    headerHeight: HEADER_HEIGHT,
    groupHeaderHeight: GROUP_HEADER_HEIGHT,
    animateRows: false,
    suppressColumnMoveAnimation: true,
    suppressDragLeaveHidesColumns: true,
    suppressMultiSort: false,
    suppressLoadingOverlay: true,
    suppressNoRowsOverlay: true,
    stopEditingWhenCellsLoseFocus: true,
    enableCellTextSelection: false,
    // Tab leaves the grid; arrows walk in it
    tabToNextCell: () => false,
    tabToNextHeader: () => false,
    ...options
  });
}
