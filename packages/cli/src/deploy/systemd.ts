import type { DeployFacts, DeployPlan } from './plan.js';

/** A unit for a machine with Node, and a copy of its data every night. */
export const systemdPlan = ({ host, version }: DeployFacts): DeployPlan => ({
  files: [
    { path: 'xlink.service', text: unit(host) },
    { path: 'xlink-backup.service', text: BACKUP },
    { path: 'xlink-backup.timer', text: TIMER },
  ],
  next: [
    `mkdir -p /opt/xlink && cd /opt/xlink && npm install @private.me/xlink@${version} @private.me/xlink-cli@${version} ws`,
    'cp xlink.service xlink-backup.service xlink-backup.timer /etc/systemd/system/ && systemctl daemon-reload',
    'systemctl enable --now xlink xlink-backup.timer',
    'cat /var/lib/xlink/admin-token, keep it elsewhere, and remove the file',
    `let your proxy lead to 127.0.0.1:3300, with TLS, for ${host}`,
  ],
});

const unit = (host: string): string => `[Unit]
Description=xLink identity server
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/bin/node /opt/xlink/node_modules/@private.me/xlink-cli/dist/xlink.js serve --data /var/lib/xlink/data --admin-token-file /var/lib/xlink/admin-token --behind-proxy --public-url https://${host}
# Keys of agents: put "XLINK_AGENT_KEY=<64 hex digits>" into this file, mode 0600.
EnvironmentFile=-/etc/xlink/xlink.env
Environment=NODE_ENV=production
StateDirectory=xlink
StateDirectoryMode=0700
DynamicUser=yes
Restart=on-failure
RestartSec=2
# A wrong call, or files that are in use or lost, do not get better by another start.
RestartPreventExitStatus=2
TimeoutStopSec=20
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
`;

// The server is stopped for it: files that are copied while they are written to are not one state.
const BACKUP = `[Unit]
Description=Copy of the data of the xLink identity server

[Service]
Type=oneshot
UMask=0077
ExecStartPre=/usr/bin/mkdir -p /var/backups/xlink
ExecStartPre=/usr/bin/systemctl stop xlink.service
ExecStart=/bin/sh -c 'tar -C /var/lib -czhf /var/backups/xlink/xlink-$$(date +%%F).tar.gz xlink && find /var/backups/xlink -name "xlink-*.tar.gz" -mtime +14 -delete'
ExecStopPost=/usr/bin/systemctl start xlink.service
`;

const TIMER = `[Unit]
Description=Copy of the data of the xLink identity server, every night

[Timer]
OnCalendar=*-*-* 03:17:00
RandomizedDelaySec=20m
Persistent=yes

[Install]
WantedBy=timers.target
`;
