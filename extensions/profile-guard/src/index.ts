export { type Configuration, type Fallback, settings } from './configuration.ts'
export {
  createDirectory,
  type Directory,
  type DirectoryAnswer,
  type DirectoryOptions,
} from './directory.ts'
export { type AlertPort, createProfileGuard, type ProfileGuardPorts } from './profile-guard.ts'
export { profileGuard } from './service.ts'
