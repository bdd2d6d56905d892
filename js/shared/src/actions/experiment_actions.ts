import type { Experiment } from '../requests';
import { askForNote } from './dialogs';
import { StoreActions } from './store_actions';

type Act = 'delete' | 'restore';

/** What can be done to an experiment; code makes new ones. */
export class ExperimentActions extends StoreActions {
  async rename(experimentId: string, name: string): Promise<void> {
    await this.change('store.act', { action: 'rename', experiment_id: experimentId, name });
  }

  async editNote({ experiment_id, name, note }: Experiment): Promise<void> {
    const text = await askForNote(this.nbtrack.appHost, name, note ?? '');
    if (text === null || text === (note ?? '')) return;
    await this.change('store.act', { action: 'note', experiment_id, note: text });
  }

  async act(action: Act, experiment: Experiment): Promise<boolean> {
    const { experiment_id, name, runs } = experiment;
    const count = runs === 0 ? '' : runs === 1 ? ' and its run' : ` and its ${runs} runs`;
    if (action === 'delete' && !(await this.confirm('Delete', `“${name}”${count}`))) return false;
    if (!(await this.change('store.act', { action, experiment_id }))) return false;
    if (action === 'restore') this.notify(`Restored “${name}”`);
    else this.notify(`Deleted “${name}”${count}`, () => this.act('restore', experiment));
    return true;
  }
}
