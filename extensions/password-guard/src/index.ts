export { type Configuration, settings } from './configuration.ts'
export { createPasswordGuard, type PasswordGuardPorts } from './password-guard.ts'
export { passwordGuard } from './service.ts'
