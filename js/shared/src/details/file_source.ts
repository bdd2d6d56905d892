import type { BackendResponse, Backend } from '../backend';
import { refOf } from '../model_ref';
import type { ArtifactFile, ModelRef, Preview } from '../requests';

/** Where files come from that are looked at. */
export interface FileSource {
  list(path: string): Promise<ArtifactFile[]>;
  preview(path: string): Promise<BackendResponse<Preview>>;
  /** Where a file can be downloaded; null where it cannot. */
  address: ((path: string) => string) | null;
}

/** The artifacts of a run. */
export function filesOfRun(backend: Backend, runId: string, address: FileSource['address']): FileSource {
  return {
    list: async path => (await backend.ask('run.artifacts', { run_id: runId, path })).body.files,
    preview: path => backend.ask('run.preview', { run_id: runId, path }),
    address
  };
}

/** The files of a model, which are all known. */
export function filesOfModel(backend: Backend, ref: ModelRef, files: readonly { path: string; size: number | null }[]): FileSource {
  return {
    list: path => Promise.resolve(filesBelow(path, files)),
    preview: path => backend.ask('models.preview', { ...refOf(ref), path }),
    address: null
  };
}

/** The files and folders right below a folder. */
export function filesBelow(path: string, files: readonly { path: string; size: number | null }[]): ArtifactFile[] {
  const prefix = path ? `${path}/` : '';
  const found = new Map<string, ArtifactFile>();
  for (const file of files) {
    if (!file.path.startsWith(prefix)) continue;
    const [name = '', ...deeper] = file.path.slice(prefix.length).split('/');
    const is_dir = deeper.length > 0;
    found.set(name, { path: prefix + name, is_dir, size: is_dir ? null : file.size });
  }
  return [...found.values()];
}
