import type { ActionType } from '@preflow/contract'

/** A setting that the operator gives where the project runs. */
export interface Variable {
  name: string
  /** What a newcomer may start with; empty when only the operator knows. */
  example: string
  /** One sentence. */
  about: string
  isSecret?: true
  /** It starts without. */
  isOptional?: true
  /** The example is the path of a file that only the operator has. */
  isFile?: true
  /** A random value does: a key, a pepper. Bytes before they are written as hex. */
  randomBytes?: number
}

/** What a project does, apart from where it runs. */
export interface Content {
  /** One sentence. */
  summary: string
  /** Where it is called. */
  actionTypes: readonly ActionType[]
  /** Its own files by their path. */
  files: Record<string, string>
  /** The folder of `templates/entries` whose programs open it. */
  entries: 'service' | 'pin-authenticator'
  /** Packages of Preflow it needs, without the ones those need. */
  packages: readonly string[]
  /** Other packages, with their versions. */
  dependencies: Record<string, string>
  /** Before the names of its variables: `TOKEN_GUARD`. */
  prefix: string
  variables: readonly Variable[]
  /** Whether it cannot be opened without a file that only the operator has. */
  needsFile: boolean
  /** Whether the data of `@preflow/corpus` travel beside the bundle. */
  needsCommonPasswords: boolean
  /** What it keeps on a disk: the variable that says where, and the name of the file. */
  state?: { variable: string; file: string }
  /** Whether pages are served besides the endpoint of the action. */
  hasPages: boolean
  /** What to do at the platform besides the usual, one sentence each. */
  platformSteps: readonly string[]
  /** What to mind where functions come and go and share no disk, and what they are told besides. */
  functionNote?: string
  functionVariables?: readonly Variable[]
}

/** The variables every content begins with: who may call. */
export function callerVariables(prefix: string): Variable[] {
  return [
    { name: `${prefix}_CALLER`, example: 'api-key', about: 'How the platform proves that it is the caller.' },
    {
      name: `${prefix}_CALLER_SECRETS`,
      example: '',
      about: 'The key of the platform, 16 characters at least; two, with a comma between them, while one is replaced.',
      isSecret: true,
      randomBytes: 32,
    },
  ]
}
