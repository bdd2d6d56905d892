import { beforeEach, describe, expect, it } from 'vitest';
import type { Experiment, TreeRun } from '@nbtrack/shared/requests';
import { PAGE, RunTree, experimentKey, runKey } from '../src/run_tree';
import { describe as wordsOf } from '../src/tree_row';
import { TreeSelection } from '../src/tree_selection';

const PLAIN = { shift: false, accel: false };
const SHIFT = { shift: true, accel: false };
const ACCEL = { shift: false, accel: true };

function experiment(id: string, runs: number): Experiment {
  return { experiment_id: id, name: `experiment ${id}`, stage: 'active', runs, running: 0, last_ms: null, note: null };
}

function run(id: string, parent: string | null = null): TreeRun {
  return {
    run_id: id, name: id, state: 'FINISHED', stage: 'active', start_ms: 0, duration_s: 1, last_step: null, parent_id: parent,
    children: 0, spark: null, archived: false, kept: false, note: null, ending: null
  };
}

function names(tree: RunTree): string[] {
  return tree.rows.map(row => (row.kind === 'experiment' ? row.experiment.name : row.kind === 'run' ? row.run.name : '?'));
}

let tree: RunTree;
let selection: TreeSelection;
beforeEach(() => {
  tree = new RunTree();
  selection = new TreeSelection(tree);
  tree.setExperiments([experiment('a', 3), experiment('b', 0)]);
  tree.toggle(experimentKey('a'));
  tree.put('a', 0, { total: 3, runs: [run('anna'), run('bert'), run('child', 'bert'), run('carl')] });
});

describe('RunTree', () => {
  it('says why a run that was run again differs', () => {
    tree.patch('anna', { reproduced: 'no', cause: 'data changed' });
    tree.patch('bert', { reproduced: 'yes' });
    expect(wordsOf(tree.rows[1]!)).toBe('anna, Finished, run again, it differs: data changed');
    expect(wordsOf(tree.rows[2]!)).toBe('bert, Finished, verified: run again, the same');
  });

  it('has nested runs below the run they are in, once that is expanded', () => {
    expect(names(tree)).toEqual(['experiment a', 'anna', 'bert', 'carl', 'experiment b']);
    tree.toggle(runKey('bert'));
    expect(names(tree)).toEqual(['experiment a', 'anna', 'bert', 'child', 'carl', 'experiment b']);
    expect(tree.rows[3]).toMatchObject({ level: 3, inside: runKey('bert'), place: 1, siblings: 1 });
  });

  it('takes a run whose parent does not match as one of the first level', () => {
    tree.put('a', 0, { total: 1, runs: [run('child', 'elsewhere')] });
    expect(names(tree)).toEqual(['experiment a', 'child', 'experiment b']);
  });

  it('asks only for the pages that are looked at', () => {
    const many = Array.from({ length: PAGE }, (_, i) => run(`r${i}`));
    tree.put('a', 0, { total: 10_000, runs: many });
    expect(tree.rows).toHaveLength(10_002);
    expect(tree.wanted(0, 40)).toEqual([]);
    expect(tree.wanted(5000, 5040)).toEqual([{ experimentId: 'a', start: 4900 }, { experimentId: 'a', start: 5000 }]);
  });

  it('keeps what is known while it asks again', () => {
    tree.markStale();
    expect(names(tree)).toContain('anna');
    expect(tree.wanted(0, 4)).toEqual([{ experimentId: 'a', start: 0 }]);
    tree.put('a', 0, { total: 1, runs: [run('dora')] });
    expect(tree.wanted(0, 4)).toEqual([]);
    expect(names(tree)).toEqual(['experiment a', 'dora', 'experiment b']);
  });

  it('leaves out experiments without a match while something is looked for', () => {
    tree.onlyMatching = true;
    tree.put('b', 0, { total: 0, runs: [] });
    expect(names(tree)).not.toContain('experiment b');
  });
});

describe('TreeSelection', () => {
  it('keeps what a menu was opened for, as it is now, whatever the tree shows since', () => {
    selection.click(runKey('bert'), PLAIN);
    selection.hold();
    tree.put('a', 0, { total: 1, runs: [{ ...run('bert'), state: 'FAILED' }] });
    expect(selection.ofMenu).toMatchObject([{ run: { name: 'bert', state: 'FAILED' } }]);
    tree.put('a', 0, { total: 1, runs: [run('anna')] });
    selection.settle(1);
    expect(selection.targets).toMatchObject([{ run: { name: 'anna' } }]);
    expect(selection.ofMenu).toMatchObject([{ run: { name: 'bert' } }]);
  });

  const press = (key: string, modifiers = PLAIN, now = 0): unknown => selection.press(key, modifiers, 3, now);

  it('moves with the arrows, and selects with Space only', () => {
    press('ArrowDown');
    press('ArrowDown');
    expect(selection.active).toBe(runKey('anna'));
    expect(selection.chosen.size).toBe(0);
    press(' ');
    expect([...selection.chosen]).toEqual([runKey('anna')]);
  });

  it('goes in and out with left and right', () => {
    selection.active = runKey('bert');
    press('ArrowRight');
    press('ArrowRight');
    expect(selection.active).toBe(runKey('child'));
    press('ArrowLeft');
    expect(selection.active).toBe(runKey('bert'));
    press('ArrowLeft');
    expect(tree.isOpen(runKey('bert'))).toBe(false);
    press('ArrowLeft');
    expect(selection.active).toBe(experimentKey('a'));
  });

  it('opens a run with Enter and unfolds an experiment', () => {
    selection.active = runKey('anna');
    expect(press('Enter')).toBe('open');
    selection.active = experimentKey('a');
    expect(press('Enter')).toBe('changed');
    expect(tree.isOpen(experimentKey('a'))).toBe(false);
  });

  it('extends with Shift from where it began', () => {
    selection.click(runKey('anna'), PLAIN);
    press('ArrowDown', SHIFT);
    press('ArrowDown', SHIFT);
    expect([...selection.chosen]).toEqual(['anna', 'bert', 'carl'].map(runKey));
    press('ArrowUp', SHIFT);
    expect([...selection.chosen]).toEqual(['anna', 'bert'].map(runKey));
  });

  it('adds and takes away single runs with Ctrl', () => {
    selection.click(runKey('anna'), PLAIN);
    selection.click(runKey('carl'), ACCEL);
    selection.click(runKey('anna'), ACCEL);
    expect([...selection.chosen]).toEqual([runKey('carl')]);
    press('a', ACCEL);
    expect(selection.chosen.size).toBe(3);
    press('Escape');
    expect(selection.chosen.size).toBe(0);
  });

  it('finds a row by the letters that are typed', () => {
    press('c', PLAIN, 1000);
    expect(selection.active).toBe(runKey('carl'));
    press('b', PLAIN, 5000);
    expect(selection.active).toBe(runKey('bert'));
    press('e', PLAIN, 9000);
    press('e', PLAIN, 9100);
    expect(selection.active).toBe(experimentKey('a'));
  });

  it('is about the chosen runs, or about the active one that is not among them', () => {
    selection.click(runKey('anna'), PLAIN);
    selection.click(runKey('bert'), ACCEL);
    expect(selection.targets.map(row => row.key)).toEqual(['anna', 'bert'].map(runKey));
    selection.active = runKey('carl');
    expect(selection.targets.map(row => row.key)).toEqual([runKey('carl')]);
  });

  it('stays at its place when its row is gone', () => {
    selection.click(runKey('bert'), PLAIN);
    const before = tree.indexOf(runKey('bert'));
    tree.put('a', 0, { total: 2, runs: [run('anna'), run('carl')] });
    selection.settle(before);
    expect(selection.active).toBe(runKey('carl'));
    expect(selection.chosen.size).toBe(0);
  });
});
