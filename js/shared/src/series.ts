import { asF64, fromBase64, inflate } from './binary';
import { isSystemMetric } from './groups';
import type { SeriesHead } from './requests';
import type { AppendMessage, Content, PackedCurves } from './view_data';

/** Points of one metric of one run; `total` is how many there are where these are a choice of them. */
export interface Points {
  readonly run: string;
  readonly key: string;
  readonly n: number;
  readonly total: number;
  readonly step: Float64Array;
  readonly time: Float64Array;
  readonly value: Float64Array;
}

/** The points of one metric of one run; the arrays grow by doubling, the first `n` entries count. */
export class Series implements Points {
  n = 0;
  total = 0;
  private steps = new Float64Array(64);
  private times = new Float64Array(64);
  private values = new Float64Array(64);

  constructor(
    readonly run: string,
    readonly key: string
  ) {}

  get step(): Float64Array {
    return this.steps.subarray(0, this.n);
  }
  get time(): Float64Array {
    return this.times.subarray(0, this.n);
  }
  get value(): Float64Array {
    return this.values.subarray(0, this.n);
  }

  append(step: Float64Array, time: Float64Array, value: Float64Array, total = step.length): void {
    this.total += total;
    const n = this.n + step.length;
    if (n > this.steps.length) {
      const capacity = Math.max(n, this.steps.length * 2);
      this.steps = grown(this.steps, this.n, capacity);
      this.times = grown(this.times, this.n, capacity);
      this.values = grown(this.values, this.n, capacity);
    }
    this.steps.set(step, this.n);
    this.times.set(time, this.n);
    this.values.set(value, this.n);
    this.n = n;
  }
}

function grown(array: Float64Array, used: number, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array.subarray(0, used));
  return larger;
}

/** All curves of a chart, kept up to date from appends and whole contents. */
export class SeriesSet {
  seq = 0;
  private byName = new Map<string, Series>();

  [Symbol.iterator](): IterableIterator<Series> {
    return this.byName.values();
  }

  get(run: string, key: string): Series | undefined {
    return this.byName.get(`${run}\n${key}`);
  }

  /** Forget a run, or one of its metrics. */
  remove(run: string, key?: string): void {
    for (const [name, series] of this.byName) if (series.run === run && (key ?? series.key) === series.key) this.byName.delete(name);
  }

  /** Forget the metrics of a run that are the machine's, or all but those. */
  removeSome(run: string, { system }: { system: boolean }): void {
    for (const [name, series] of this.byName) if (series.run === run && isSystemMetric(series.key) === system) this.byName.delete(name);
  }

  /**
   * Take over a whole content, unless newer points are here already. Returns whether anything changed.
   *
   * The machine's metrics stay where the content has none: they were read apart.
   */
  replace(content: Content | undefined): boolean {
    if (!content?.series || content.seq < this.seq) return false;
    const apart = content.series.some(head => isSystemMetric(head.key)) ? [] : [...this.byName].filter(([, series]) => isSystemMetric(series.key));
    this.byName = new Map(apart);
    this.seq = content.seq;
    this.add(content.series, asF64(content.step), asF64(content.time), asF64(content.value));
    return true;
  }

  /**
   * Add new points.
   *
   * Returns `'stale'` for points that a content has brought already, and `'gap'` when messages before this
   * one were lost: its points are shown, and the content should be asked for again.
   */
  append(message: AppendMessage, buffers: readonly DataView[]): 'applied' | 'stale' | 'gap' {
    if (message.seq <= this.seq) return 'stale';
    const gap = message.seq > this.seq + 1;
    this.seq = message.seq;
    this.add(message.series, asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2]));
    return gap ? 'gap' : 'applied';
  }

  add(heads: readonly SeriesHead[], step: Float64Array, time: Float64Array, value: Float64Array): void {
    let at = 0;
    for (const { run, key, n, total } of heads) {
      const name = `${run}\n${key}`;
      let series = this.byName.get(name);
      if (!series) this.byName.set(name, (series = new Series(run, key)));
      series.append(step.subarray(at, at + n), time.subarray(at, at + n), value.subarray(at, at + n), total);
      at += n;
    }
  }
}

/** Unpack the curves of a finished output. */
export async function unpackCurves(packed: PackedCurves): Promise<SeriesSet> {
  const set = new SeriesSet();
  const total = packed.series.reduce((sum, head) => sum + head.n, 0);
  if (total === 0) return set;
  const raw = await inflate(fromBase64(packed.data));
  const steps = new DataView(raw, 0, total * 4);
  const times = new DataView(raw, total * 4, total * 4);
  const values = new DataView(raw, total * 8, total * 4);
  let at = 0;
  for (const head of packed.series) {
    const step = new Float64Array(head.n);
    const time = new Float64Array(head.n);
    const value = new Float64Array(head.n);
    let s = head.step0;
    let t = head.time0;
    for (let i = 0; i < head.n; i++, at++) {
      if (head.whole) s += steps.getInt32(at * 4, true);
      else s = head.step0 + steps.getFloat32(at * 4, true);
      t += times.getInt32(at * 4, true);
      step[i] = s;
      time[i] = t;
      value[i] = values.getFloat32(at * 4, true) * (head.unit ?? 1);
    }
    set.add([{ ...head, total: head.total ?? head.n }], step, time, value);
  }
  return set;
}
