# What `scripts/practice` and `scripts/test` share: finding out what this machine lacks, and getting it.
# Everything said here goes to stderr; stdout belongs to what the scripts run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '%s\n' "$*" >&2
}

stop() {
    say "error: $*"
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The kinds of system whose package names are known here.
system() {
    if [ "$(uname -s)" = Darwin ]; then
        echo macos
    elif has apt-get && has dpkg; then
        echo debian
    elif has dnf; then
        echo fedora
    elif has pacman; then
        echo arch
    else
        echo other
    fi
}

# What a need is called on this system (Debian's name where the system is unknown); nothing where the
# system brings it along.
package() {
    case "$1:$(system)" in
        pip:macos) echo python ;;
        sox:macos) echo sox ;;
        cmake:*) echo cmake ;;
        pkg-config:arch | pkg-config:macos) echo pkgconf ;;
        *:macos) ;; # compiler, sound and voice are there
        c++:fedora) echo gcc-c++ ;;
        c++:arch) echo gcc ;;
        c++:*) echo g++ ;;
        pkg-config:fedora) echo pkgconf-pkg-config ;;
        alsa:fedora) echo alsa-lib-devel ;;
        alsa:arch) echo alsa-lib ;;
        alsa:*) echo libasound2-dev ;;
        pip:arch) echo python-pip ;;
        pip:*) echo python3-pip ;;
        pactl:arch) echo libpulse ;;
        pactl:*) echo pulseaudio-utils ;;
        alsa-pulse:fedora) echo alsa-plugins-pulseaudio ;;
        alsa-pulse:arch) echo alsa-plugins ;;
        alsa-pulse:*) echo libasound2-plugins ;;
        *) echo "$1" ;;
    esac
}

# Whether a need is met.
met() {
    case "$1" in
        alsa) has pkg-config && pkg-config --exists alsa ;;
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        alsa-pulse)
            compgen -G '/usr/lib*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null ||
                compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null
            ;;
        *) has "$1" ;;
    esac
}

# require NEED REASON: nothing works without it. wish NEED REASON: something is missing without it.
required=()
packages=()
lacks=()

require() {
    required+=("$1")
    wish "$@"
}

wish() {
    local name
    name=$(package "$1")
    case " ${packages[*]-} " in *" $name "*) return ;; esac
    if [ -n "$name" ] && ! met "$1"; then
        packages+=("$name")
        lacks+=("$name: $2")
    fi
}

# Installs what was found missing, or says how to.
install_missing() {
    local item
    if [ ${#packages[@]} -eq 0 ]; then
        return
    fi
    say "this machine lacks"
    for item in "${lacks[@]}"; do
        say "  $item"
    done
    case "$(system)" in
        debian)
            if [ "$(id -u)" -eq 0 ]; then
                apt_install || say "apt-get could not install everything (above)"
            elif has sudo; then
                apt_install sudo || say "apt-get could not install everything (above)"
            else
                say "install as root: apt-get install ${packages[*]}"
            fi
            ;;
        fedora) say "install with: sudo dnf install ${packages[*]}" ;;
        arch) say "install with: sudo pacman -S --needed ${packages[*]}" ;;
        macos) say "install with: brew install ${packages[*]}" ;;
        *) say "install with the system's own package manager; the names are Debian's" ;;
    esac
    for item in "${required[@]}"; do
        if [ -n "$(package "$item")" ] && ! met "$item"; then
            stop "it does not work without $(package "$item"); install that, then run this again"
        fi
    done
}

# apt_install [sudo]: installs the packages. The lists are renewed first: a fresh machine has none.
apt_install() {
    say "installing with \`${1:+$1 }apt-get install ${packages[*]}\`"
    "$@" apt-get update -qq >&2 || say "the package lists could not be renewed; trying with the old ones"
    "$@" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "${packages[@]}" >&2
}

# Needs of every build, and of practice.
need_build() {
    require c++ "compiles whisper.cpp"
    require cmake "builds whisper.cpp"
    require make "builds whisper.cpp, driven by cmake"
    require pkg-config "finds the sound library"
    require alsa "microphone and loudspeaker"
    wish espeak-ng "the voice that reads questions aloud"
    wish pip "fetches the model that compares meanings, and recognition models where nothing else can be reached"
}

# Finds cargo, also where the shell has not been told of it yet.
need_rust() {
    if ! has cargo && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    fi
    has cargo || stop "Rust is not installed; https://rustup.rs shows how, then run this again"
}

# Where cargo puts what it builds.
target_dir() {
    case "${CARGO_TARGET_DIR:-}" in
        "") echo "$root/target" ;;
        /*) echo "$CARGO_TARGET_DIR" ;;
        *) echo "$root/$CARGO_TARGET_DIR" ;;
    esac
}
