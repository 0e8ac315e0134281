import type { PlatformName } from '@preflow/contract'
import type { Check } from './row.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'
import { type OpenStage, openStage } from './stage.ts'

/** A running server of a platform. Several rows run on it at once, each on its own stage. */
export interface World {
  /** Runs a check on a free stage, and resets the stage afterwards. */
  run(check: Check): Promise<void>
  close(): Promise<void>
}

/** How many rows run at once. So rows that wait for a deadline do not block the others. */
export const STAGES = 4

/** Starts the server of a platform and sets up its stages. */
export async function openWorld(platform: PlatformName): Promise<World> {
  const server: ServerUnderTest = await startServer({ platform })
  const stages = await Promise.all(Array.from({ length: STAGES }, () => openStage(server)))
  const free: OpenStage[] = [...stages]
  const waiting: ((stage: OpenStage) => void)[] = []

  return {
    async run(check) {
      const stage = free.pop() ?? (await new Promise<OpenStage>(resolve => waiting.push(resolve)))
      try {
        await check(stage)
      } finally {
        await stage.reset().finally(() => {
          const next = waiting.shift()
          if (next) next(stage)
          else free.push(stage)
        })
      }
    },
    async close() {
      await Promise.all(stages.map(stage => stage.close()))
      await server.close()
    },
  }
}
