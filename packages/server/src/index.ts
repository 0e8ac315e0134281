export { type BreakGlass, openBreakGlass } from './actions/break-glass.ts'
export { type ArchiveSearch, type CallArchive, openCallArchive } from './actions/call-archive.ts'
export {
  type Configuration,
  ConfigurationError,
  completeConfiguration,
  type Option,
  options,
  readConfiguration,
  unknownVariables,
} from './configuration.ts'
export { makeDataFolder, StartError, unusableDataFolder } from './data.ts'
export { createLog, type Log } from './log.ts'
export type { Ports } from './ports.ts'
export { createServer, type Server } from './server.ts'
export type { ActionState } from './store/actions.ts'
export type { CallOfTenant } from './store/calls.ts'
export { DatabaseError } from './store/database.ts'
