import { askForAlias, askForName, askForNote, askForStage, askForTag } from './dialogs';
import { CodeActions } from './code_actions';
import { refOf } from '../model_ref';
import type { ModelEdit, ModelFacts, ModelRef, VersionLink } from '../requests';

/** A version, as far as the registry knows it. */
export type Version = VersionLink;

/** What can be done to the registered models of a store. */
export class ModelActions extends CodeActions {
  /** Insert a cell that loads a model. */
  async insertLoading(ref: ModelRef): Promise<void> {
    const facts = await this.details(ref);
    if (facts) await this.insert([`import nbtrack\n\n${facts.load}`]);
  }

  async copyLoading(ref: ModelRef): Promise<void> {
    const facts = await this.details(ref);
    if (facts) await this.copy(`import nbtrack\n\n${facts.load}`, 'The code that loads this model is in the clipboard');
  }

  /** Let an alias name a version; what it has named before is said, and can be had back. */
  async addAlias({ name, version }: Version, known: readonly string[], holder: (alias: string) => number | null): Promise<void> {
    const alias = await askForAlias(this.nbtrack.appHost, `${name} v${version}`, known);
    if (!alias) return;
    const before = holder(alias);
    if (before === version || !(await this.setAlias(name, alias, version))) return;
    const back = before === null ? () => this.act({ action: 'delete_alias', name, alias }) : () => this.setAlias(name, alias, before);
    this.notify(`@${alias} is v${version} of “${name}”${before === null ? '' : ` now; it was v${before}`}`, back);
  }

  async removeAlias({ name, version }: Version, alias: string): Promise<void> {
    if (!(await this.act({ action: 'delete_alias', name, alias }))) return;
    this.notify(`@${alias} names no version of “${name}” any more`, () => this.setAlias(name, alias, version));
  }

  /** Move a version to a stage; `others` are the versions that may be archived for it. */
  async promote({ name, version, stage }: Version, others: readonly Version[]): Promise<void> {
    const chosen = await askForStage(this.nbtrack.appHost, `${name} v${version}`, stage);
    if (!chosen || chosen.stage === stage) return;
    const archived = chosen.archive ? others.filter(other => other.stage === chosen.stage && other.version !== version) : [];
    if (!(await this.setStage(name, version, chosen.stage, chosen.archive))) return;
    const also = archived.length > 0 ? `, and archived v${archived.map(other => other.version).join(', v')}` : '';
    this.notify(`Moved v${version} of “${name}” to ${chosen.stage}${also}`, async () => {
      await this.setStage(name, version, stage, false);
      for (const other of archived) await this.setStage(name, other.version, other.stage, false);
    });
  }

  /** Change the description of a model, or of one of its versions. */
  async describe(name: string, version: number | null, before: string | null): Promise<void> {
    const text = await askForNote(this.nbtrack.appHost, version === null ? name : `${name} v${version}`, before ?? '', 'Description');
    if (text !== null && text !== (before ?? '')) await this.setDescription(name, version, text);
  }

  setDescription(name: string, version: number | null, description: string): Promise<boolean> {
    return this.act({ action: 'describe', name, description, ...(version === null ? {} : { version }) });
  }

  async tag({ name, version }: Version, before?: [string, string]): Promise<void> {
    const tag = await askForTag(this.nbtrack.appHost, `${name} v${version}`, before);
    if (tag) await this.act({ action: 'tag', name, version, key: tag[0], value: tag[1] });
  }

  /** Register a logged model, under a name that is there or a new one. */
  async register(modelId: string, suggestion: string, known: readonly string[]): Promise<void> {
    const name = await askForName(this.nbtrack.appHost, 'Register the model', 'Name', suggestion, known, 'Register');
    if (name && (await this.act({ action: 'register', model_id: modelId, name }))) this.notify(`Registered as a version of “${name}”`);
  }

  async rename(name: string, newName: string): Promise<void> {
    if (!(await this.act({ action: 'rename', name, new_name: newName }))) return;
    this.notify(`“${name}” is “${newName}” now`, () => this.act({ action: 'rename', name: newName, new_name: name }));
  }

  async deleteVersion({ name, version, aliases }: Version): Promise<void> {
    const names = aliases.length > 0 ? ` and ${aliases.map(alias => `@${alias}`).join(', ')}` : '';
    const body = `The version${names} cannot be brought back, and its number is not given again. The logged model stays with its run.`;
    if (await this.nbtrack.appHost.confirm(`Delete v${version} of “${name}”?`, body, 'Delete')) await this.act({ action: 'delete_version', name, version });
  }

  async deleteModel(name: string, versions: number): Promise<boolean> {
    const body = `It is removed with its ${versions === 1 ? 'version' : `${versions} versions`}, aliases and tags, and cannot be brought back. The logged models stay with their runs.`;
    return (await this.nbtrack.appHost.confirm(`Delete the registered model “${name}”?`, body, 'Delete')) && this.act({ action: 'delete_model', name });
  }

  private setAlias(name: string, alias: string, version: number): Promise<boolean> {
    return this.act({ action: 'set_alias', name, alias, version });
  }

  private setStage(name: string, version: number, stage: string, archive: boolean): Promise<boolean> {
    return this.act({ action: 'stage', name, version, stage, archive_existing: archive });
  }

  private async details(ref: ModelRef): Promise<ModelFacts | undefined> {
    return (await this.ask('models.details', refOf(ref)))?.body;
  }

  private act(edit: ModelEdit): Promise<boolean> {
    return this.change('models.act', edit);
  }
}
