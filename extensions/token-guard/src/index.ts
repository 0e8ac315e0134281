export { type Configuration, settings } from './configuration.ts'
export { type OpenTokenGuard, openTokenGuard } from './open-token-guard.ts'
export { readConfiguration, tokenGuard } from './service.ts'
export { createTokenGuard, type TokenGuardPorts } from './token-guard.ts'
