// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend } from '../src/backend';
import { SavedBackend } from '../src/comparison_saved';
import { ComparedImages } from '../src/images/compared';
import { Pictures } from '../src/images/pictures';
import { LinkedZoom } from '../src/images/linked_zoom';
import { placeToBegin, WHOLE_IMAGES, withStep } from '../src/images/images_view';
import { imagesOf, placeAfter, placeAt } from '../src/images/series';
import { ComparedImagesView } from '../src/images/compared_view';
import { StepSlider } from '../src/images/step_slider';
import type { RunImages } from '../src/requests';
import type { SavedComparison } from '../src/view_data';

function images(run_id: string, keys: Record<string, number[]>, problem: string | null = null): RunImages {
  const series = Object.entries(keys).map(([key, steps]) => ({
    key,
    steps,
    times: steps.map((_, i) => 1000 + i),
    files: steps.map((step, i) => `${key}+step+${step}+timestamp+${1000 + i}+id.v1.png`),
    small: steps.map((_, i) => i === 0),
    thumbnail: '+compressed.webp',
    total: steps.length
  }));
  return { run_id, folder: 'images', series, problem };
}

describe('steps of images', () => {
  it('have one place each, with all images of a step and the small one where there is one', () => {
    const [found] = imagesOf(images('r', { a: [0, 5, 5] }));
    expect(found!.steps.map(({ step, pictures }) => [step, pictures.length])).toEqual([[0, 1], [5, 2]]);
    const [first] = found!.steps[0]!.pictures;
    expect(first).toEqual({ run: 'r', path: 'images/a+step+0+timestamp+1000+id.v1.png', small: 'images/a+step+0+timestamp+1000+id.v1+compressed.webp' });
    expect(found!.steps[1]!.pictures[0]!.small).toBeNull();
    expect(found!.steps[1]!.time).toBe(1002);
  });

  it('that a view names are where sliders begin', () => {
    const steps = [{ step: 0 }, { step: 5 }, { step: 9 }];
    const view = withStep(withStep(WHOLE_IMAGES, 'a', 5), 'b', 7);
    expect(['a', 'b', 'c'].map(key => placeToBegin(view, key, steps))).toEqual([1, 1, null]);
    expect(withStep(view, 'a', null).steps).toEqual({ b: 7 });
    expect([placeToBegin({ steps: { a: 'x' } as never }, 'a', steps), placeToBegin(view, 'a', [])]).toEqual([null, null]);
  });

  it('are found at or before a step', () => {
    const steps = [{ step: -1 }, { step: 3 }, { step: 10 }];
    expect([-2, -1, 2, 3, 9, 10, 99].map(step => placeAt(steps, step))).toEqual([-1, 0, 0, 1, 1, 2, 2]);
    expect(placeAt([], 0)).toBe(-1);
  });

  it('that are new leave a slider where it was, or at the end', () => {
    expect(placeAfter([], 0, [1, 2, 3])).toBe(2);
    expect(placeAfter([1, 2], 1, [1, 2, 3])).toBe(2);
    expect(placeAfter([1, 2, 3], 1, [0, 1, 2, 3, 4])).toBe(2);
    expect(placeAfter([5, 6, 7], 0, [6, 7])).toBe(0);
    expect(placeAfter([1], 0, [])).toBe(-1);
  });
});

it('runs show their newest image at a step, and say why there is none', () => {
  const compared = new ComparedImages([images('r', { b: [0, 5], a: [4] }), images('s', { a: [2, 6] }), images('t', {}, 'closed')]);
  expect(compared.keys).toEqual(['a', 'b']);
  expect(compared.steps).toEqual([0, 2, 4, 5, 6]);
  expect(compared.at('r', 'b', 4)).toMatchObject({ at: { step: 0 }, exact: false });
  expect(compared.at('s', 'a', 6)).toMatchObject({ at: { step: 6 }, exact: true });
  expect(compared.at('r', 'a', 2)).toEqual({ nothing: 'nothing before step 4' });
  expect(compared.at('s', 'b', 9)).toEqual({ nothing: 'not logged' });
  expect(compared.at('t', 'a', 9)).toEqual({ nothing: 'closed' });
  expect(compared.at('u', 'a', 9)).toEqual({ nothing: 'no images' });
});

describe('pictures', () => {
  let asked: string[];
  let answer: (() => void)[];
  let pictures: Pictures;
  beforeEach(() => {
    [asked, answer] = [[], []];
    const ask = (_: string, { path }: { path: string }): Promise<object> => {
      asked.push(path);
      const body = path === 'no.png' ? { kind: 'none', mime: '', truncated: false, text: 'The image has more than 10 MB.' } : { kind: 'image', mime: 'image/png', truncated: false };
      return new Promise(done => answer.push(() => done({ body, buffers: [new DataView(new ArrayBuffer(3))] })));
    };
    pictures = new Pictures({ ask } as unknown as Backend);
  });
  afterEach(() => pictures.dispose());

  it('that nobody wants when their turn comes are not read, and what was asked for last comes first', async () => {
    let wanted = 'all';
    const all = 'abcdefgh'.split('').map(path => pictures.read('r', path, () => wanted === 'all' || wanted === path));
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    wanted = 'g';
    answer[0]!();
    expect(await all[0]).toMatch(/^blob:/);
    await vi.waitFor(() => expect(asked).toEqual(['a', 'b', 'c', 'd', 'g']));
    expect(await all[7]).toBeNull();
    answer[4]!();
    const url = await all[6];
    expect(pictures.get('r', 'g')).toBe(url);
    expect(await pictures.read('r', 'g', () => true)).toBe(url);
    expect(asked).toHaveLength(5);
  });

  it('that cannot be shown say why', async () => {
    const found = pictures.read('r', 'no.png', () => true);
    answer[0]!();
    await expect(found).rejects.toThrow('more than 10 MB');
  });
});

it('a slider says where it stands, plays to the end and stops', async () => {
  vi.useFakeTimers();
  const places: number[] = [];
  const slider = new StepSlider('loss', place => Promise.resolve(places.push(place)));
  slider.set(4, 2);
  slider.say('step 20');
  expect(slider.element.querySelector('input')!.getAttribute('aria-valuetext')).toBe('step 20');
  const play = slider.element.querySelector('button')!;
  play.click();
  await vi.advanceTimersByTimeAsync(2000);
  expect(places).toEqual([3]);
  play.click();
  expect(play.getAttribute('aria-pressed')).toBe('true');
  await vi.advanceTimersByTimeAsync(5000);
  expect(places).toEqual([3, 0, 1, 2, 3]);
  expect(play.getAttribute('aria-pressed')).toBe('false');
  expect([slider.move(1), slider.move(-1), slider.place]).toEqual([false, true, 2]);
  vi.useRealTimers();
});

it('a saved comparison says that images are not in it, and one of an older version says nothing', async () => {
  const table = { values: {}, run_ids: [], all_columns: [], columns: [], sort: [], best: {} };
  const note = async (saved: object): Promise<string> => (await new SavedBackend({ table, ...saved } as unknown as SavedComparison).ask('compare.images', { run_ids: ['a', 'b'] })).body.note;
  expect(await note({ with_images: ['b', 'z'] })).toContain('1 of these 2 runs has images');
  expect(await note({ with_images: ['b', 'a'] })).toContain('These runs have images, which were not saved');
  expect(await note({})).toBe('');
});

describe('the zoom of all images', () => {
  it('begins where it was, and tells what part is looked at', () => {
    const host = document.createElement('div');
    const told: unknown[] = [];
    const zoom = new LinkedZoom(host, () => undefined, { zoom: 2, centre: [0.9, 0.5] }, part => told.push(part));
    expect([zoom.isOn, zoom.element.querySelector('[role=status]')!.textContent]).toEqual([true, '200 %']);
    expect(told).toEqual([]);
    zoom.element.querySelector<HTMLElement>('[aria-label="Zoom in"]')!.click();
    expect(told).toEqual([{ zoom: 3, centre: [0.75, 0.5] }]);
    host.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true }));
    expect(told.at(-1)).toEqual({ zoom: 3, centre: [0.7167, 0.5] });
  });
});

it('what has not come into view yet has the form of the images beside it', async () => {
  vi.stubGlobal('IntersectionObserver', class { observe(): void {} disconnect(): void {} });
  const body = { runs: [images('a', { loss: [0] }), images('b', { loss: [0] })], note: '' };
  const root = document.createElement('div');
  const view = new ComparedImagesView(root, { ask: () => Promise.resolve({ body, buffers: [] }) }, () => undefined, () => undefined);
  view.setRuns(['a', 'b'].map(id => ({ id, name: id, colour: 'red' })));
  await vi.waitFor(() => expect(root.querySelectorAll('td[data-run]')).toHaveLength(2));
  const first = root.getElementsByTagName('img')[0];
  Object.defineProperties(first, { naturalWidth: { value: 300 }, naturalHeight: { value: 200 } });
  first?.dispatchEvent(new Event('load'));
  const forms = [...root.querySelectorAll<HTMLElement>('td[data-run]')].map(cell => cell.style.getPropertyValue('--nbt-form'));
  expect(forms).toEqual(['1.5', '1.5']);
  view.dispose();
  vi.unstubAllGlobals();
});
