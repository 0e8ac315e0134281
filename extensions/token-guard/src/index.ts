export { type Configuration, PREFIX, readConfiguration, settings } from './configuration.ts'
export { type OpenTokenGuard, openTokenGuard } from './open-token-guard.ts'
export { tokenGuard } from './service.ts'
export { createTokenGuard, type TokenGuardPorts } from './token-guard.ts'
