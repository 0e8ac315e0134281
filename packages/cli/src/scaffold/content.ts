import type { ActionType } from '@preflow/contract'

/** A setting that the operator sets where the project runs. */
export interface Variable {
  name: string
  /** The initial value; empty if only the operator knows it. */
  example: string
  /** One sentence. */
  about: string
  isSecret?: true
  /** The project starts without it. */
  isOptional?: true
  /** The example is the path of a file that only the operator has. */
  isFile?: true
  /** The default is a random value, such as a key. The number of bytes before hex encoding. */
  randomBytes?: number
}

/** What a project does, independent of where it runs. */
export interface Content {
  /** One sentence. */
  summary: string
  /** The action types that call it. */
  actionTypes: readonly ActionType[]
  /** The files of this content, by path. */
  files: Record<string, string>
  /** The folder of `templates/entries` with the programs that start it. */
  entries: 'service' | 'pin-authenticator'
  /** The packages of Preflow that it imports directly. */
  packages: readonly string[]
  /** Other packages, with their versions. */
  dependencies: Record<string, string>
  /** The prefix of its variables: `TOKEN_GUARD`. */
  prefix: string
  variables: readonly Variable[]
  /** Whether it needs a file that only the operator has. */
  needsFile: boolean
  /** Whether the data of `@preflow/corpus` is deployed beside the bundle. */
  needsCommonPasswords: boolean
  /** What it stores on a disk: the variable with the location, and the name of the file. */
  state?: { variable: string; file: string }
  /** Whether it serves pages besides the endpoint of the action. */
  hasPages: boolean
  /** Additional steps in the console of the platform, one sentence each. */
  platformSteps: readonly string[]
  /** A note and variables for functions, which have no disk. */
  functionNote?: string
  functionVariables?: readonly Variable[]
}

/** The first variables of every content: the credentials of the caller. */
export function callerVariables(prefix: string): Variable[] {
  return [
    { name: `${prefix}_CALLER`, example: 'api-key', about: 'The kind of credential that the platform sends.' },
    {
      name: `${prefix}_CALLER_SECRETS`,
      example: '',
      about: 'The key of the platform, at least 16 characters. During a rotation, two keys separated by a comma.',
      isSecret: true,
      randomBytes: 32,
    },
  ]
}
