# The default build: the addon is compiled against the headers of the running Node and binds the OpenSSL that Node
# itself exports, so nothing of OpenSSL is linked here. CMakeLists.txt is the build with an OpenSSL of its own.
#
# Variables (node-gyp configure -- -Dname=value):
#   werror=1          warnings are errors (CI; not for users, whose compilers we do not know)
#   openssl_major=N   expect another major version of OpenSSL than that of the headers (test of the load guard)
# With sanitizers and counters CMakeLists.txt builds it (scripts/native.mjs).
{
  'variables': {
    'werror%': 0,
    'openssl_major%': '',
  },
  'targets': [
    {
      'target_name': 'openssl_ocsp',
      'sources': [
        '<!@(node -p "[\'core\',\'binding\'].flatMap((folder)=>require(\'fs\').readdirSync(\'native/\'+folder).filter((file)=>file.endsWith(\'.cc\')).map((file)=>\'native/\'+folder+\'/\'+file)).join(\' \')")',
      ],
      'include_dirs': [
        # In the package these headers lie beside this file (scripts/lib/package-source.mjs).
        '<!(node -p "require(\'fs\').existsSync(\'node-addon-api\') ? \'node-addon-api\' : require(\'node-addon-api\').include_dir")',
      ],
      'defines': [
        'NAPI_VERSION=9',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        # A worker that is being terminated cannot throw; without this node-addon-api aborts the process.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
        'OPENSSL_API_COMPAT=30000',
        'OPENSSL_NO_DEPRECATED',
      ],
      # node-gyp's common.gypi sets gnu++17 and hides unused parameters.
      'cflags!': ['-Wno-unused-parameter'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'cflags': [
        '-Wall',
        '-Wextra',
        '-fvisibility=hidden',
        '-fstack-protector-strong',
        '-ffunction-sections',
        '-fdata-sections',
      ],
      'cflags_cc': ['-std=c++20', '-fvisibility-inlines-hidden'],
      'xcode_settings': {
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
        'CLANG_CXX_LIBRARY': 'libc++',
        'MACOSX_DEPLOYMENT_TARGET': '11.0',
        'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
        'GCC_INLINES_ARE_PRIVATE_EXTERN': 'YES',
        'DEAD_CODE_STRIPPING': 'YES',
        'WARNING_CFLAGS': ['-Wall', '-Wextra'],
      },
      'msvs_settings': {
        'VCCLCompilerTool': {
          'AdditionalOptions!': ['-std:c++17'],
          'AdditionalOptions': ['/std:c++20', '/Zc:__cplusplus', '/bigobj', '/W4', '/guard:cf', '/Brepro'],
        },
        'VCLinkerTool': {
          'AdditionalOptions': ['/guard:cf', '/Brepro'],
        },
      },
      'conditions': [
        ['openssl_major!=""', {'defines': ['OCSP_EXPECTED_OPENSSL_MAJOR=<(openssl_major)']}],
        ['werror==1', {
          'cflags': ['-Werror'],
          'xcode_settings': {'GCC_TREAT_WARNINGS_AS_ERRORS': 'YES'},
          'msvs_settings': {'VCCLCompilerTool': {'WarnAsError': 'true'}},
        }],
        ['OS not in "win mac"', {
          'ldflags': [
            # Missing OpenSSL symbols fail at load, where lib/binding.ts explains it, not at the first call, where they
            # end the process.
            '-Wl,-z,now',
            '-Wl,-z,relro',
            # When the last worker that loaded the addon ends, Node unloads it; destructors of thread-local data in other
            # threads would then jump into unmapped memory.
            '-Wl,-z,nodelete',
            # Two copies of the addon in one process keep to their own code.
            '-Wl,-Bsymbolic',
            # Nothing of a C++ library that is linked in, either.
            '-Wl,--version-script=<(module_root_dir)/native/exports.map',
            '-Wl,--gc-sections',
          ],
        }],
      ],
      'configurations': {
        'Release': {
          # Distributions may define it already, to another value.
          'cflags': ['-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
          'cflags!': ['-g'],
        },
        'Debug': {
          'defines': ['NODE_ADDON_API_ENABLE_TYPE_CHECK_ON_AS', '_GLIBCXX_ASSERTIONS'],
        },
      },
    },
  ],
}
