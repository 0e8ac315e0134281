export { DatabaseError } from '@preflow/database'
export {
  type Configuration,
  ConfigurationError,
  completeConfiguration,
  type Option,
  options,
  readConfiguration,
  unknownVariables,
} from './configuration.ts'
export { type BreakGlass, openBreakGlass } from './domain/actions/break-glass.ts'
export { type ArchiveSearch, type CallArchive, openCallArchive } from './domain/actions/call-archive.ts'
export { BUCKETS, type Bucket } from './domain/limits/buckets.ts'
export { type KeyManagement, type ListedKey, openKeyManagement } from './domain/tenants/manage-keys.ts'
export { createLog, type Log } from './ground/observe/log.ts'
export { isForOperator, OperatorError } from './ground/operator-error.ts'
export type { Ports } from './ground/ports.ts'
export type { ActionState } from './ground/store/actions.ts'
export type { CallOfTenant } from './ground/store/calls.ts'
export { makeDataFolder, StartError, unusableDataFolder } from './ground/store/data.ts'
export { createServer, type Server } from './server.ts'
