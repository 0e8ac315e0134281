import * as z from 'zod/mini'

/** The three operations of RFC 6902 that extensions may use, and `redirect`, which only INCOMPLETE answers contain. */
export type OperationName = 'add' | 'remove' | 'replace' | 'redirect'

export const operationNames: readonly OperationName[] = ['add', 'remove', 'replace', 'redirect']

/** The members of an operation. The contract has no others. */
export const operationMembers: readonly string[] = ['op', 'path', 'value', 'url']

/**
 * One requested change. `path` is *not* a full RFC 6902 pointer: nothing is unescaped, and only one level below an
 * allowed path is reachable, see {@link isAllowed}.
 */
export interface Operation {
  /** What to do. */
  op: OperationName
  /** The place; for add, remove, replace. */
  path?: string
  /** The new value; for add and replace. */
  value?: unknown
  /** Where to send the browser; for redirect. */
  url?: string
}

/** The changes that the platform offers. `paths` is absent for `redirect`. */
export interface AllowedOperation {
  /** What may be done. */
  op: OperationName
  /** Where. A path that ends with a slash also allows one level below it. */
  paths?: string[]
}

export const allowedOperationSchema: z.ZodMiniType<AllowedOperation> = z.looseObject({
  op: z.enum(operationNames),
  paths: z.exactOptional(z.array(z.string())),
})

/** `/accessToken/scopes/3` → `/accessToken/scopes/`: the path up to and including its last slash. */
export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** `/accessToken/scopes/3` → `3`; empty if the path ends in a slash. */
export function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * Whether the platform offered this operation: some entry has the same `op`, and the path equals one of its paths or is
 * exactly one level below one that ends in a slash. Case sensitive. A `redirect` is allowed if any is offered.
 *
 * @example
 * isAllowed({ op: 'add', path: '/accessToken/claims/-' }, [{ op: 'add', paths: ['/accessToken/claims/'] }]) // true
 * isAllowed({ op: 'add', path: '/accessToken/claims/aud/-' }, [{ op: 'add', paths: ['/accessToken/claims/'] }]) //
 * false
 */
export function isAllowed(operation: Operation, allowed: readonly AllowedOperation[]): boolean {
  return allowed.some(entry => {
    if (entry.op !== operation.op) return false
    if (entry.op === 'redirect') return true
    const { path } = operation
    if (path === undefined) return false
    return entry.paths?.some(offered => offered === path || offered === parentPath(path)) ?? false
  })
}
