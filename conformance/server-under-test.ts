import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Configuration, completeConfiguration, createLog, createServer } from '@preflow/server'

/** A server that is used only over HTTP. */
export interface ServerUnderTest {
  /** `http://127.0.0.1:…` */
  address: string
  configuration: Configuration
  /** The log lines at its level, oldest first. */
  log: readonly string[]
  /**
   * Changes rows of the database file directly. Only for data that a product's installer writes and no API can, such as
   * a system application.
   */
  seed(statement: string, ...values: string[]): void
  /** Reads rows of the database file. Only for stored data that no API shows. */
  look(statement: string, ...values: string[]): Record<string, unknown>[]
  /**
   * Starts another server on the same data, as after a restart with other settings. It uses the address of this one.
   */
  restarted(settings: Partial<Configuration>): Promise<ServerUnderTest & { socket: string }>
  close(): Promise<void>
}

/** The user `admin` of the first tenant, who administers every tenant. */
export const ADMINISTRATOR = { userName: 'admin', password: 'admin-of-the-rows' }

export async function startServer(settings: Partial<Configuration>): Promise<ServerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-conformance-'))
  const server = await start({
    port: 0,
    dataFolder: folder,
    sealKey: randomBytes(32).toString('base64'),
    adminPassword: ADMINISTRATOR.password,
    // The rows act as the proxy in front of the server. Their extensions are on this machine.
    trustedProxies: ['127.0.0.1'],
    addressHeader: 'x-client-source-ip',
    privateEndpoints: ['127.0.0.0/8'],
    // Rows set the passwords of the reference's tests. They are about extensions, and no rule of the server comes first.
    passwordMinLength: 1,
    refusesCommonPasswords: false,
    // Rows make endpoints fail in quick succession. Rows about the breaker switch it on.
    breaksCircuits: false,
    // One administrator sets all of them up.
    limits: ['off'],
    shutdownDelayMs: 0,
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
    // Rows test behaviour. A hash at full cost takes a quarter of a second.
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
