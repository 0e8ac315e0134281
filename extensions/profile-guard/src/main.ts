#!/usr/bin/env node
/** Runs profile-guard. */
import { runService } from '@preflow/extension/service'
import { profileGuard } from './service.ts'

await runService(profileGuard, process)
