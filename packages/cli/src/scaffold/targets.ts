import type { Content, Variable } from './content.ts'

export type TargetName = 'node' | 'lambda' | 'vercel' | 'choreo' | 'container'

/** Where a project runs. */
export interface Target {
  /** One line for the help. */
  summary: string
  /** The program that is bundled: `src/{entry}.ts`. Every project also has `main`, for the developer's machine. */
  entry: 'main' | 'lambda' | 'vercel'
  /** Whether instances start and stop at any time and share no disk. */
  isFunction: boolean
  /**
   * The folders of `templates/` with its files. The `README.md` of the last one becomes a section of the project's
   * README.
   */
  folders: readonly string[]
}

/** Every target. To add one, add its folder in `templates/targets` and a line here. */
// biome-ignore format: one target a line
export const targets: Record<TargetName, Target> = {
  node: { summary: 'a machine with Node.js', entry: 'main', isFunction: false, folders: ['targets/node'] },
  lambda: { summary: 'AWS Lambda: function URL, HTTP and REST API, load balancer', entry: 'lambda', isFunction: true, folders: ['targets/lambda'] },
  vercel: { summary: 'Vercel', entry: 'vercel', isFunction: true, folders: ['targets/vercel'] },
  choreo: { summary: 'Choreo', entry: 'main', isFunction: false, folders: ['image', 'targets/choreo'] },
  container: { summary: 'a container: Docker, Kubernetes', entry: 'main', isFunction: false, folders: ['image', 'targets/container'] },
}

/** The values in the deploy files. */
export function deployValues(content: Content): Record<string, string> {
  const { variables, state, actionTypes, hasPages } = content
  return {
    parameters: variables.map(parameter).join('\n'),
    functionVariables: variables.map(({ name }) => `${name}: !Ref ${parameterName(name)}`).join('\n'),
    configForm: variables.map(formField).join('\n'),
    actionTypes: actionTypes.join(', '),
    // The gateway of Choreo allows the paths of the schema, or everything if there is no schema.
    schemaFile: hasPages ? '' : 'schemaFilePath: openapi.yaml',
    state: state ? stateFolder(state) : '',
    composeVolumes: state ? `    volumes:\n      - data:/data\nvolumes:\n  data:` : '',
    unitState: state ? unitState(state) : '',
    runOptions: state ? ' -v data:/data' : '',
  }
}

/** The only folder that a systemd unit may write to. `%N` is the name of the unit. */
function unitState({ variable, file }: { variable: string; file: string }): string {
  return [`StateDirectory=%N`, `Environment=${variable}=%S/%N/${file}`].join('\n')
}

/** A volume for the only folder with data, owned by the user of the image. */
function stateFolder({ variable, file }: { variable: string; file: string }): string {
  return [`RUN install -d -o 10014 /data`, `ENV ${variable}=/data/${file}`, `VOLUME /data`].join('\n')
}

/** `TOKEN_GUARD_CALLER` becomes the parameter `TokenGuardCaller`, because a template allows only letters and digits. */
function parameterName(variable: string): string {
  return variable.toLowerCase().replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function parameter({ name, example, about, isSecret, isOptional }: Variable): string {
  return [
    `${parameterName(name)}:`,
    `  Type: String`,
    `  Description: ${quoted(about)}`,
    ...(isSecret ? [`  NoEcho: true`] : []),
    ...(isOptional || example !== '' ? [`  Default: ${quoted(isOptional ? '' : example)}`] : []),
  ].join('\n')
}

function formField({ name, about, isSecret, isOptional }: Variable): string {
  return [
    `- name: ${name}`,
    `  valueFrom:`,
    `    configForm:`,
    `      displayName: ${quoted(about)}`,
    `      required: ${!isOptional}`,
    `      type: ${isSecret ? 'secret' : 'string'}`,
  ].join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
