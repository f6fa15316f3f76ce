#!/bin/sh
# Makes the sample recordings anew, in this folder, from the demonstration call: with Debian's ffmpeg 5.1.
set -eu
cd "$(dirname "$0")"

make() { # from which second, how many, which channels, then the options of the output
    start=$1 seconds=$2
    case $3 in both) channels=anull ;; left) channels="pan=mono|c0=c0" ;; esac
    shift 3
    ffmpeg -hide_banner -loglevel error -y -ss "$start" -t "$seconds" -i ../../../../dashboard/demo/demo_call.wav \
        -map_metadata -1 -fflags +bitexact -flags:a +bitexact -af "$channels" "$@"
}

# Lossless, at the rate of the call: their samples are the call's own.
make 8.2 1 both -c:a pcm_s16le pcm16_both.wav
make 8.2 1 left -c:a pcm_u8 pcm8_left.wav
make 8.2 1 left -c:a pcm_s24le pcm24_left.wav
make 8.2 0.5 left -c:a pcm_s32le pcm32_left.wav
make 8.2 0.5 left -c:a pcm_f32le float_left.wav
make 8.2 1 left -c:a pcm_s16le -rf64 always large_left.wav
make 8.2 1 both -c:a flac flac_both.flac
make 8.2 1 left -c:a flac -f ogg flac_left.oga

# Lossy, at the rates that recorders use.
make 13.3 2 both -ar 8000 -c:a pcm_mulaw mulaw_both.wav
make 13.3 2 both -ar 8000 -c:a pcm_alaw alaw_both.wav
make 12.4 5 both -ar 44100 -c:a libmp3lame -b:a 64k mp3_both.mp3
make 12.4 5 left -ar 16000 -c:a libmp3lame -q:a 6 mp3_variable_left.mp3
make 12.4 5 left -ar 8000 -c:a libmp3lame -b:a 16k -write_xing 0 mp3_bare_left.mp3
make 12.4 5 both -ar 44100 -c:a aac -b:a 64k aac_both.m4a
make 12.4 5 left -ar 16000 -c:a aac -b:a 32k -movflags +faststart aac_left.m4a
make 12.4 5 left -ar 48000 -c:a aac -b:a 48k -movflags +frag_keyframe+empty_moov -frag_duration 500000 aac_fragments_left.mp4
make 12.4 5 both -ar 48000 -c:a aac -b:a 64k aac_both.aac
make 12.4 5 both -ar 44100 -c:a libvorbis -q:a 0 vorbis_both.ogg
make 12.4 5 both -ar 48000 -c:a libvorbis -q:a 0 vorbis_both.webm
make 12.4 5 left -ar 48000 -c:a libopus -b:a 16k opus_left.ogg
make 12.4 5 both -ar 48000 -c:a libopus -b:a 48k opus_both.ogg
make 12.4 5 both -ar 48000 -c:a libopus -b:a 48k opus_both.webm
make 12.4 5 left -ar 48000 -c:a libopus -b:a 16k -f webm -live 1 - | cat >opus_live_left.webm
make 12.4 5 left -ar 48000 -c:a libopus -b:a 16k opus_left.mp4
