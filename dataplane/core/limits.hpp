// SPDX-License-Identifier: Apache-2.0
// Every bound of the product in one place, so that "how much can it hold" has one answer. A bound that an
// operator may set has its default here and its ceiling in the OpenAPI document.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headgate::limits {

using namespace std::chrono_literals;

// contract: one message between processes of a machine, or one long-poll answer.
inline constexpr std::size_t kFrameBytesMax = 64u << 20;
inline constexpr std::size_t kFdsPerMessageMax = 4096;  // a replica's listening sockets: addresses × threads
inline constexpr std::size_t kFdsPerSendMax = 128;      // SCM_MAX_FD is 253; leave room
inline constexpr std::size_t kChannelBacklogBytesMax = 2 * kFrameBytesMax;

// l4
inline constexpr std::size_t kBurstMax = 32;         // packets handled in one pass
inline constexpr uint32_t kTargetIdsMax = 1u << 20;  // a flow entry keeps 20 bits of target id
inline constexpr uint32_t kMaglevSlots = 65537;  // prime; at least 100 slots a target keeps shares within 1 %
inline constexpr uint32_t kMaglevSlotsSmall = 16381;  // prime; for up to kMaglevSmallTargetsMax targets
inline constexpr uint32_t kMaglevSmallTargetsMax = 64;
inline constexpr std::size_t kMaglevMembersMax = 65534;  // a slot holds a position in 16 bits
inline constexpr std::size_t kWorkersMax = 64;
inline constexpr std::size_t kFlowsPerWorker = 64u << 10;  // of each family, a third of the table
inline constexpr std::size_t kFragmentsPerWorker = 4096;   // packets whose fragments are under way at once
inline constexpr unsigned kMaskedStepsMax = 16;  // tries by hash before a masked flow takes any usable target
inline constexpr unsigned kIpv6ExtensionHeadersMax = 8;
inline constexpr uint64_t kHostNeighbourPpsMax = 10'000;  // ARP and neighbour discovery to the kernel
inline constexpr uint64_t kHostIcmpPpsMax = 10'000;
inline constexpr uint64_t kIcmpAnswersPpsMax = 1'000;       // ICMP errors of our own, of one worker
inline constexpr uint64_t kNeighbourQuestionsPpsMax = 100;  // of clients on the link that nobody knows
inline constexpr uint64_t kHostOtherPpsMax = 2'000'000;     // bulk traffic of the machine's own is among it

// l4: a capture. What is written of it crosses to headgated in one report, as base64.
inline constexpr uint32_t kCapturePackets = 1'000;
inline constexpr uint32_t kCapturePacketsMax = 10'000;
inline constexpr auto kCaptureDuration = 10s;
inline constexpr auto kCaptureDurationMax = 60s;
inline constexpr auto kCaptureSlack = 10s;          // for its answer, beside it
inline constexpr uint32_t kCaptureSnapBytes = 128;  // headers, tunnels included, and little of the payload
inline constexpr uint32_t kCaptureSnapBytesMin = 64;
inline constexpr uint32_t kCaptureSnapBytesMax = 2048;  // no frame is longer
inline constexpr std::size_t kCaptureFileBytesMax = 4u << 20;
inline constexpr std::size_t kCaptureQueueBytesMax = 4u << 20;  // of one worker, not yet written
inline constexpr std::size_t kCaptureFilterBytesMax = 512;
inline constexpr unsigned kCaptureFilterInstructionsMax = 1024;  // of classic BPF

// l7
inline constexpr uint32_t kPinSlotsMax = 1u << 24;  // rules, or endpoints, of one shard; memory ends first
inline constexpr std::size_t kRoutePathElementsMax = 64;  // of a prefix match; a deeper one never matches
inline constexpr std::size_t kExpressionBytesMax = 1024;
inline constexpr int64_t kExpressionMemoryBytesMax = 256 << 10;   // of its program and the states it caches
inline constexpr std::size_t kExpressionTextBytesMax = 8u << 10;  // of a text put together for one to match
inline constexpr std::size_t kRateLimitKeysMax = 4096;            // of one limit; 64 kB
inline constexpr auto kRateLimitPeriodMax = 1h;
inline constexpr uint32_t kRateLimitBurstMax = 1'000'000;
inline constexpr std::size_t kExplainedRulesMax = 256;  // named in one explanation
inline constexpr std::size_t kHostnameBytesMax = 253;   // RFC 1035 section 2.3.4
inline constexpr std::size_t kHostnameLabelsMax = 127;
inline constexpr std::size_t kForwardedHopsMax = 32;  // entries of X-Forwarded-For that are looked at
inline constexpr std::size_t kTriedBackendsMax = 16;  // that one exchange remembers and does not try again
inline constexpr std::size_t kLeastRequestsScan = 8;  // a larger pool compares two, not all
inline constexpr double kSlowStartShareMin = 0.1;     // of its weight: without requests nothing warms up
inline constexpr unsigned kSlowStartTurnsMax = 64;    // passed over in one choice, then any endpoint does

// tls
inline constexpr std::size_t kCertificateChainBytesMax = 64u << 10;
inline constexpr std::size_t kCertificatesPerChainMax = 10;
inline constexpr std::size_t kTrustBundleBytesMax = 512u << 10;  // a distribution's whole bundle is 220 kB
inline constexpr std::size_t kCertificatesPerBundleMax = 512;
inline constexpr std::size_t kPrivateKeyBytesMax = 32u << 10;
inline constexpr std::size_t kNamesPerCertificateMax = 1000;  // of each kind; more are passed over
inline constexpr std::size_t kAuthoritiesNamedMax = 64;       // to clients that choose a certificate
// Of a client, its certificate with those of its issuers, in one message of the handshake. Four with RSA keys
// of 4096 bits are 8 kB; OpenSSL would take 100 kB, more than any backend takes in a field.
inline constexpr std::size_t kClientCertificatesBytesMax = 16u << 10;
// What is over is cut off; a SPIFFE ID is no longer.
inline constexpr std::size_t kPeerNameBytesMax = 2u << 10;
inline constexpr std::size_t kTlsRecordBytes = 16u << 10;  // RFC 8446 section 5.1
inline constexpr std::size_t kTlsReadBytes = 34u << 10;  // of one system call: two records with their frames
inline constexpr auto kTicketEpoch = std::chrono::hours(6);  // a ticket opens in this one and the next
inline constexpr std::size_t kProblemsNamedMax = 10;         // in one notice
inline constexpr std::size_t kSecretsMax = 1u << 16;         // of one process, whoever needs them

// node
inline constexpr unsigned kReplicasPerNodeMax = 64;
inline constexpr unsigned kThreadsPerReplicaMax = 64;
inline constexpr auto kRestartBackoffMin = 100ms;  // new connections must work again 2 s after a kill -9
inline constexpr auto kRestartBackoffMax = 30s;
inline constexpr auto kCrashLoopWindow = 60s;  // this many early deaths within it are a crash loop in status
inline constexpr unsigned kCrashLoopDeaths = 5;
inline constexpr auto kSettledAfter = 10s;  // a process that lived this long died for a new reason
inline constexpr auto kHelloTimeout = 20s;  // EAL start with many hugepages takes seconds
inline constexpr auto kReconnectDelay = 100ms;
inline constexpr auto kReplacementTime =
    30s;                                // for a replica's successor to serve, else a restart ends there
inline constexpr auto kStopGrace = 2s;  // past its drain timeout, then it is killed
inline constexpr auto kCommandTimeout = 30s;
inline constexpr std::size_t kCommandsPerProcessMax = 256;
inline constexpr std::size_t kNoticesPerProcessMax = 32;
inline constexpr auto kLongPollTimeout = 30s;
inline constexpr auto kApiRetryMin = 100ms;  // while headgated is away
inline constexpr auto kApiRetryMax = 5s;
inline constexpr auto kSecretsTimeout = 3s;     // for which a delta waits for the secrets that it names
inline constexpr auto kReconcileInterval = 5s;  // what the machine refused (a port in use) is tried again
inline constexpr std::size_t kProbesAtOnceMax = 256;
inline constexpr auto kProbeIntervalMin = 50ms;
// A datagram that asks, or what its answer begins with: whole in one packet on any way.
inline constexpr std::size_t kProbeDatagramBytesMax = 1024;
inline constexpr unsigned kLookupThreads = 4;
inline constexpr std::size_t kLookupsQueuedMax = 1024;  // a thread
inline constexpr auto kLookupInterval = 10s;            // getaddrinfo tells no TTL
inline constexpr auto kLookupRetry = 2s;
inline constexpr std::size_t kAddressesPerNameMax = 64;
inline constexpr auto kReportInterval = 1s;
inline constexpr auto kReportPatience = 20ms;  // a report of what has come waits so long for it to be applied
inline constexpr auto kSenderWaitMax = 2s;     // what a process loses waits so long for who sends to it
inline constexpr auto kSenderSettleTime = 100ms;  // for what they sent before to be read

inline constexpr uint32_t kShardUsersMax = 4096;  // a user each, above headgate-node's base

// otlp: spans on their way to a collector
inline constexpr std::size_t kSpanPieceBytes = 64u << 10;  // of one thread, before they go to the exporter
inline constexpr uint32_t kSpansPerPieceMax = 512;
inline constexpr auto kSpanFlushInterval = 1s;                 // or after so long
inline constexpr std::size_t kSpanPiecesWaitingMax = 16;       // of one thread
inline constexpr std::size_t kSpanRequestBytesMax = 1u << 20;  // put into one request, and the last piece
inline constexpr std::size_t kSpanTextBytesMax = 1u << 10;     // of one attribute
inline constexpr auto kSpanConnectTimeout = 3s;
inline constexpr auto kSpanRequestTimeout = 10s;
inline constexpr unsigned kSpanTriesMax = 5;    // of one request
inline constexpr auto kSpanPauseMin = 500ms;    // before the second; each next is twice as long
inline constexpr auto kSpanPauseMax = 10s;      // whatever the collector asks for
inline constexpr auto kSpanFlushTimeout = 1s;   // for all that is left when the process ends
static_assert(kSpanFlushTimeout < kStopGrace);  // a collector that hangs gets no replica killed
inline constexpr std::size_t kSpanAnswerBytesMax = 64u << 10;
inline constexpr std::size_t kTracingEndpointBytesMax = 2u << 10;
inline constexpr std::size_t kServiceNameBytesMax = 255;

// mgmt: what a node that fell behind can catch up on without a full snapshot
inline constexpr std::size_t kDeltaLogLengthMax = 1024;
inline constexpr std::size_t kDeltaLogObjectsMax = 1u << 16;

// local ports of replicas: on an address of their own, so the machine's ports stay untouched
inline constexpr uint16_t kLocalPortFirst = 1024;
inline constexpr uint16_t kLocalPortLast = 65535;

// mgmt: what one client may ask of the API
inline constexpr std::size_t kApiBodyBytesMax = 64u << 20;   // of a whole configuration
inline constexpr std::size_t kApiObjectBytesMax = 1u << 20;  // of one object
inline constexpr std::size_t kApiHeadBytesMax = 32u << 10;   // request line and headers
inline constexpr std::size_t kApiTargetBytesMax = 4u << 10;
inline constexpr std::size_t kApiJsonDepthMax = 32;
inline constexpr std::size_t kApiKeyBytesMax = 2u << 10;
inline constexpr std::size_t kApiStringBytesMax = kTrustBundleBytesMax;  // of one string in a body
inline constexpr std::size_t kSecretsPerRequestMax = 1000;               // that a node asks for at once
inline constexpr std::size_t kApiErrorsMax = 100;                        // named in one problem document
inline constexpr std::size_t kApiListMax = 1000;                         // objects in one page of a list
inline constexpr std::size_t kApiConnectionsMax = 512;
inline constexpr std::size_t kApiExchangesMax = 256;  // waiting for their answer, long polls included
inline constexpr auto kApiRequestTimeout = 30s;       // for a request to arrive whole
inline constexpr auto kApiIdleTimeout = 300s;         // between two requests
inline constexpr auto kApiLingerTimeout = 2s;         // for the client to close after our last answer
inline constexpr auto kApiWaitMax = 60s;              // ?timeout=
inline constexpr auto kNodeSilentAfter = 5s;          // without a report a node counts as not connected
// Of a command's: the largest is a capture's, in base64 within JSON within JSON.
inline constexpr std::size_t kCommandResultBytesMax = 8u << 20;
static_assert(kCaptureFileBytesMax / 3 * 4 < kCommandResultBytesMax * 3 / 4);
inline constexpr std::size_t kCommandsPerNodeMax = 64;     // waiting to be fetched or answered
inline constexpr std::size_t kRevisionsPendingMax = 1024;  // remembered one by one for a node that lags
inline constexpr auto kEnrolmentLifetime = std::chrono::hours(1);
inline constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 3650);  // of the internal CA's certificate
inline constexpr auto kFrontCertificateLifetime =
    std::chrono::hours(24 * 30);  // renewed when a third is over
inline constexpr std::size_t kFrontNamesMax = 32;

// shard
inline constexpr std::size_t kChunkExtensionBytesMax = 16u << 10;  // of one body
inline constexpr std::size_t kTrailerBytesMax = 8u << 10;
inline constexpr std::size_t kSmallBlockBytes = 4u << 10;   // a head's first block
inline constexpr std::size_t kLargeBlockBytes = 64u << 10;  // a piece of a body; a larger head's block
inline constexpr std::size_t kFreeBlocksMax = 1024;         // of each size and thread, kept for the next
inline constexpr std::size_t kCompressedPieceBytes = 16u << 10;
inline constexpr std::size_t kCompressorsMax = 256;  // of one thread at once; past it bodies pass as they are
inline constexpr uint64_t kCompressionBytesMinMax = 1u << 30;
inline constexpr std::size_t kIdleCompressorsMax = 8;  // of one thread, kept for the next
inline constexpr std::size_t kTrafficWaysMax = 500;    // (listener, route, pool) that a thread counts apart
inline constexpr std::size_t kPipesMax = 64;           // of one thread at once; past it bodies are copied
inline constexpr std::size_t kIdlePipesMax = 8;        // of one thread, kept for the next
inline constexpr std::size_t kPipeBytes = 256u << 10;  // where the kernel allows it
inline constexpr uint64_t kPipedBodyBytesMin = 128u << 10;  // what is shorter is copied
inline constexpr unsigned kReadsPerTurnMax = 16;      // of one direction of one exchange, then the others
inline constexpr unsigned kAcceptsPerTurnMax = 64;    // of one socket
inline constexpr unsigned kHandshakesPerTurnMax = 4;  // begun; each takes longer than a hundred accepts
inline constexpr unsigned kPipelinedPerTurnMax = 16;  // requests of one client that end at once
inline constexpr unsigned kTriesMax = 16;             // of one exchange, retries included
inline constexpr unsigned kUnreadTriesMax = 3;        // of these, that no backend has read: free of charge
inline constexpr unsigned kRetryAttemptsMax = 10;     // that a rule may ask for
inline constexpr unsigned kInterimResponsesMax = 16;  // 1xx before one response
// Of what a rule answers by: it may be a page, and as a field must fit into what clients take of all fields.
inline constexpr std::size_t kGrpcMessageBytesMax = 1024;
inline constexpr std::size_t kIdleUpstreamsMax = 256;  // of one endpoint and thread
inline constexpr auto kUpstreamIdleTimeout = 30s;      // below what backends commonly keep
inline constexpr auto kTunnelIdleTimeout = 3600s;      // without a byte in either direction
inline constexpr auto kLingerTimeout = 2s;             // for the client to read our last response
inline constexpr auto kAcceptPause = 100ms;            // when fds or memory are short
inline constexpr std::size_t kSourceCells = 1u << 15;  // of the sketch that counts connections by source
inline constexpr double kMemoryShortFrom = 0.90;       // of a replica's memory: no new work from there,
inline constexpr double kMemoryShortUntil = 0.80;      // until it has fallen below this
inline constexpr auto kMemoryLookInterval = 100ms;     // where there is a limit to look at
inline constexpr auto kHopPatience = 1s;               // with a request whose route has not come here yet
inline constexpr auto kHopSlack =
    10s;  // a try of the second tier, beside the backend: it queues and connects
// A client's name has each byte as three at most; 2 kB are all the rest.
inline constexpr std::size_t kHopContextBytesMax = (2u << 10) + 3 * kPeerNameBytesMax + 128;
// In base64 between two colons.
inline constexpr std::size_t kClientCertBytesMax = (kClientCertificatesBytesMax + 2) / 3 * 4 + 2;
inline constexpr std::size_t kProxyHeaderBytesMax = 2u << 10;    // of the PROXY protocol
inline constexpr std::size_t kProxyTextBytesMax = 255;           // of what its TLVs say
inline constexpr uint64_t kRequestBufferBytesMax = 64u << 20;    // that a rule may ask for
inline constexpr uint64_t kRequestBuffersBytesMax = 256u << 20;  // of all bodies that one replica buffers
inline constexpr std::size_t kMirrorsPerFiltersMax = 4;
inline constexpr std::size_t kMirrorsPerExchangeMax = 2 * kMirrorsPerFiltersMax;  // the rule's, the forward's
inline constexpr std::size_t kMirrorsMax = 256;                 // copies that one thread sends at once
inline constexpr std::size_t kMirrorBodyBytesMax = 256u << 10;  // of one, that its backend has not taken yet
inline constexpr auto kMirrorTimeout = 30s;                     // from its beginning to its response's end
inline constexpr std::size_t kClientHelloBytesMax = 16u << 10;  // with the frames of its records
inline constexpr std::size_t kAlpnTextBytesMax = 128;           // of what a ClientHello offers, in a log line
inline constexpr std::size_t kThreadCommandsMax = 64;
inline constexpr uint32_t kHttp2UpstreamStreamsMax = 128;    // of one connection at once
inline constexpr int32_t kHttp2ClientWindowBytes = 1 << 20;  // what all streams of a client may have unread
inline constexpr int32_t kHttp2UpstreamWindowBytes = 128 << 16;  // no slow client holds up its neighbours
inline constexpr uint32_t kHttp2BurstSeconds = 10;  // of what a peer may do so often a second, at once
inline constexpr uint32_t kHttp2StreamsMaxMax = 1024;
inline constexpr uint32_t kHttp2EventsPerSecondMax = 100'000;
inline constexpr std::size_t kHttp2OutboundAcksMax = 256;  // that wait for a peer which reads nothing
inline constexpr std::size_t kHttp2SettingsMax = 32;       // entries of one frame
inline constexpr std::size_t kHttp2ContinuationsMax = 16;  // of one header section
inline constexpr uint64_t kHttp2SectionExcess = 4;         // times header_bytes_max end the connection
inline constexpr auto kHttp2UpstreamWriteTimeout = 30s;    // a backend that takes no bytes
inline constexpr std::size_t kAccessLogPieceBytes = 64u << 10;
inline constexpr std::size_t kAccessLogHeadersMax = 16;            // of the request, and of the response
inline constexpr std::size_t kAccessLogHeaderBytesMax = 1u << 10;  // of one value; what is over is cut off
inline constexpr std::size_t kAccessLogPiecesWaitingMax = 256;     // of one thread
inline constexpr auto kAccessLogFlushInterval = 500ms;
inline constexpr unsigned kFdsReserved = 64;  // of a process: logs, epoll sets, listening sockets

}  // namespace headgate::limits
