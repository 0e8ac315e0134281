/** Statements of this process that change one of some tables. */
export interface Watch {
  tables: readonly string[]
  /** Called when such a statement was committed. */
  onCommitted(): void
}

/** Follows the statements of one connection. */
export interface WatchedConnection {
  /** Call it with every statement that succeeded. */
  executed(statement: string): void
}

/** Makes what follows connections. Without a watch it does nothing. */
export function createWatch(watch: Watch | undefined): () => WatchedConnection {
  if (!watch) return () => ({ executed: () => undefined })
  const change = new RegExp(`\\b(?:insert into|update|delete from) "?(?:${watch.tables.join('|')})"?(?![\\w"])`)
  return () => {
    let isInTransaction = false
    let isTouched = false
    return {
      executed(statement) {
        if (change.test(statement)) isTouched = true
        if (statement.startsWith('begin') || statement.startsWith('start transaction')) isInTransaction = true
        else if (statement === 'commit') isInTransaction = false
        else if (statement === 'rollback') isInTransaction = isTouched = false
        if (!isTouched || isInTransaction) return
        isTouched = false
        watch.onCommitted()
      },
    }
  }
}
