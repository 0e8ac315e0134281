import { connect, migrate, readLocation } from '@preflow/database'
import { CamelCasePlugin } from 'kysely'
import { migrations } from './migrations.ts'
import { createStore, type Store, type Tables } from './store.ts'

const CONNECT_TIMEOUT_MS = 2000

/**
 * Opens the store and updates its tables. Several instances may do so at once.
 *
 * @param database A `postgres://` URL, or the path of an SQLite file, which is created if missing.
 * @param onConnectionLost Called if an idle connection to PostgreSQL breaks. The next query opens another one.
 * @returns The store. Rejects with a `DatabaseError` if it cannot be used. Its message contains no credentials.
 */
export async function openStore(database: string, onConnectionLost: (error: Error) => void): Promise<Store> {
  const location = readLocation(database)
  const isFile = 'file' in location
  const connected = connect<Tables>({
    location,
    plugins: [new CamelCasePlugin()],
    wording: {
      subject: isFile ? `The database file ${location.file}` : 'The PostgreSQL database',
      advice: 'Check the setting database.',
    },
    connectMs: CONNECT_TIMEOUT_MS,
    onConnectionLost,
  })
  try {
    await connected.exclusively(queries =>
      migrate({ ...connected, queries }, migrations, { table: 'pin_migrations', lockTable: 'pin_migrations_lock' }),
    )
    return createStore(connected)
  } catch (error) {
    await connected.close().catch(() => undefined)
    throw connected.explain(error)
  }
}
