/**
 * The debug type `mcsafe`: its configurations, and the adapter, which runs inline in the extension host.
 */
import { DebugAdapterInlineImplementation, DebugConfigurationProviderTriggerKind, debug, workspace } from 'vscode';
import type { DebugAdapter, ExtensionContext } from 'vscode';
import { McsafeDebugSession } from '../../debug-adapter/session.ts';
import { editorHost } from '../editor-host.ts';
import { ConfigurationProvider, DynamicConfigurationProvider } from './configuration.ts';

export const DEBUG_TYPE = 'mcsafe';

export function registerDebugger(context: ExtensionContext): void {
  context.subscriptions.push(
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new ConfigurationProvider()),
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new DynamicConfigurationProvider(), DebugConfigurationProviderTriggerKind.Dynamic),
    debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
      createDebugAdapterDescriptor: ({ workspaceFolder }) => {
        const folder = workspaceFolder ?? workspace.workspaceFolders?.[0];
        const session = new McsafeDebugSession(editorHost(folder?.uri.fsPath));
        // The two packages describe the same messages with types of their own.
        return new DebugAdapterInlineImplementation(session as unknown as DebugAdapter);
      },
    }),
  );
}
