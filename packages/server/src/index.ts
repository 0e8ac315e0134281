export {
  type Configuration,
  ConfigurationError,
  completeConfiguration,
  type Option,
  options,
  readConfiguration,
} from './configuration.ts'
export { createLog, type Log } from './log.ts'
export type { Ports } from './ports.ts'
export { createServer, type Server, StartError } from './server.ts'
export { DatabaseError } from './store/database.ts'
