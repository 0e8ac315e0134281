import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Configuration, completeConfiguration, createLog, createServer } from '@preflow/server'

/** A server that is spoken to over HTTP only. */
export interface ServerUnderTest {
  /** `http://127.0.0.1:…` */
  address: string
  configuration: Configuration
  /** The lines it logged, at its level, oldest first. */
  log: readonly string[]
  /**
   * Changes rows of the database file itself: for what a product's installer writes and no API can, such as a system
   * application. Not how a row arranges anything that has an API.
   */
  seed(statement: string, ...values: string[]): void
  /** Reads rows of the database file: only for what is stored but shown to nobody. */
  look(statement: string, ...values: string[]): Record<string, unknown>[]
  /** Another server on the same data, as after a restart with other settings. It answers under the address of this one. */
  restarted(settings: Partial<Configuration>): Promise<ServerUnderTest & { socket: string }>
  close(): Promise<void>
}

/** The user `admin` of the first tenant, who administrates every tenant. */
export const ADMINISTRATOR = { userName: 'admin', password: 'admin-of-the-rows' }

export async function startServer(settings: Partial<Configuration>): Promise<ServerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-conformance-'))
  const server = await start({
    port: 0,
    dataFolder: folder,
    sealKey: randomBytes(32).toString('base64'),
    adminPassword: ADMINISTRATOR.password,
    // The rows are the proxy in front of the server, and their extensions are on this machine.
    trustedProxies: ['127.0.0.1'],
    privateEndpoints: ['127.0.0.0/8'],
    // Rows make endpoints fail in quick succession; rows about the breaker switch it on.
    breaksCircuits: false,
    logLevel: 'silent',
    ...settings,
  })
  return {
    ...server,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function start(settings: Partial<Configuration>): Promise<ServerUnderTest & { socket: string }> {
  const configuration = completeConfiguration(settings)
  const log: string[] = []
  const server = await createServer(configuration, {
    now: Date.now,
    newId: randomUUID,
    randomBytes,
    log: createLog(configuration.logLevel, { write: line => log.push(line) }),
    // Rows are about behaviour; full strength is a quarter of a second a password.
    passwordCost: { cost: 16, blockSize: 1, parallelization: 1 },
  })
  const { port } = await server.listen()

  function inDatabase<Result>(visit: (database: DatabaseSync) => Result): Result {
    const file = join(configuration.dataFolder, 'preflow.db')
    const database = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: false })
    try {
      return visit(database)
    } finally {
      database.close()
    }
  }

  return {
    address: server.address,
    socket: `http://127.0.0.1:${port}`,
    configuration,
    log,
    seed(statement, ...values) {
      const { changes } = inDatabase(database => database.prepare(statement).run(...values))
      if (changes === 0) throw new Error(`nothing was changed by: ${statement}`)
    },
    look: (statement, ...values) => inDatabase(database => database.prepare(statement).all(...values)),
    restarted: other => start({ ...configuration, publicUrl: server.address, ...other }),
    close: () => server.close(),
  }
}
