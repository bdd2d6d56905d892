import { beforeEach, describe, expect, it } from 'vitest';
import { filesBelow } from '@nbtrack/shared/details/file_source';
import type { TreeModel, TreeVersion } from '@nbtrack/shared/requests';
import { ModelTree } from '../src/model_tree';

function version(number: number): TreeVersion {
  return { version: number, stage: 'None', aliases: [], state: 'READY', model_id: null, run_id: null, run_name: null, created_ms: 0, description: null, metric: null };
}

function model(name: string, ...versions: number[]): TreeModel {
  return { name, description: null, updated_ms: 0, total: versions.length, versions: versions.map(version) };
}

let tree: ModelTree;
const shown = (): string[] => tree.rows.map(row => (row.kind === 'model' ? row.model.name : `v${row.version.version}`));
beforeEach(() => {
  tree = new ModelTree();
  tree.put({ models: [model('digits', 2, 1), model('flowers', 1)], total: 2, logged: 3 });
});

describe('ModelTree', () => {
  it('has the versions of the model that was changed last, and of those that are opened', () => {
    expect(shown()).toEqual(['digits', 'v2', 'v1', 'flowers']);
    tree.toggle('model:flowers');
    tree.toggle('model:digits');
    expect(shown()).toEqual(['digits', 'flowers', 'v1']);
  });

  it('keeps what a menu was opened for when the list is another', () => {
    tree.active = 'version:1:flowers';
    tree.toggle('model:flowers');
    tree.hold();
    tree.put({ models: [model('digits', 2)], total: 1, logged: 3 });
    expect(tree.activeRow).toMatchObject({ model: { name: 'digits' } });
    expect(tree.ofMenu).toMatchObject({ model: { name: 'flowers' }, version: { version: 1 } });
  });

  it('shows all that was found', () => {
    tree.searching = true;
    expect(shown()).toEqual(['digits', 'v2', 'v1', 'flowers', 'v1']);
  });

  it('goes in and out with the arrows, and opens versions with Enter', () => {
    tree.press('Home');
    tree.press('ArrowRight');
    expect(tree.active).toBe('version:2:digits');
    expect(tree.press('Enter')).toBe('open');
    tree.press('ArrowLeft');
    tree.press('ArrowLeft');
    expect(shown()).toEqual(['digits', 'flowers']);
    tree.press('End');
    tree.press('ArrowRight');
    expect(shown()).toEqual(['digits', 'flowers', 'v1']);
    expect(tree.press('x')).toBeNull();
  });

  it('keeps its place when the active row is gone', () => {
    tree.active = 'version:1:digits';
    tree.put({ models: [model('digits', 2), model('flowers', 1)], total: 2, logged: 3 });
    expect(tree.active).toBe('model:flowers');
    tree.put({ models: [], total: 0, logged: 3 });
    expect(tree.active).toBeNull();
  });
});

it('finds the files and folders right below a folder', () => {
  const files = [{ path: 'MLmodel', size: 3 }, { path: 'data/a.bin', size: 5 }, { path: 'data/deep/b', size: null }];
  expect(filesBelow('', files)).toEqual([
    { path: 'MLmodel', is_dir: false, size: 3 },
    { path: 'data', is_dir: true, size: null }
  ]);
  expect(filesBelow('data', files).map(file => file.path)).toEqual(['data/a.bin', 'data/deep']);
});
