// Written by codegen/elementary/ElementaryCoefficients.py; do not edit. Lowest order first. "error" is the largest
// difference from the function relative to the function's value.
// clang-format off
#pragma once

namespace weft::coefficients {

// exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2; error 2^-28.2.
constexpr double exp32[] = {0x1.000000p-1, 0x1.55548ep-3, 0x1.5554d8p-5, 0x1.123beep-7, 0x1.6d5f10p-10};

// expm1(r) = r + r^2 P(r), |r| <= 0.6; error 2^-30.9.
constexpr double expm132[] = {0x1.000000p-1, 0x1.555558p-3, 0x1.555558p-5, 0x1.110df8p-7, 0x1.6c12b4p-10, 0x1.a3ff72p-13, 0x1.a3f056p-16};

// expm1(r) = r + r^2 P(r), |r| <= 0.6; error 2^-63.9.
constexpr double expm164[] = {0x1.000000p-1, 0x1.5555555555555p-3, 0x1.5555555555555p-5, 0x1.1111111111226p-7, 0x1.6c16c16c16dbbp-10, 0x1.a01a019fce587p-13, 0x1.a01a019fbab4bp-16, 0x1.71de3aee7faf4p-19, 0x1.27e4fc1feb105p-22, 0x1.ae631bfcbc0e5p-26, 0x1.1eec574b35abcp-29, 0x1.6263043600a97p-33, 0x1.95dc9b8b505fdp-37, 0x1.6492f7cb68a25p-42};

// exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2; error 2^-61.7.
constexpr double exp64[] = {0x1.000000p-1, 0x1.5555555555559p-3, 0x1.5555555555558p-5, 0x1.111111110f64ap-7, 0x1.6c16c16c14f49p-10, 0x1.a01a01b00b148p-13, 0x1.a01a01ade4715p-16, 0x1.71ddf7f5e765ep-19, 0x1.27e4caed120dcp-22, 0x1.af5f617ead999p-26, 0x1.1f8df7cbf3af0p-29};

// exp2(r) = 1 + r P(r), |r| <= 1/2; error 2^-28.3.
constexpr double exp2_32[] = {0x1.62e430p-1, 0x1.ebfbe0p-3, 0x1.c6af76p-5, 0x1.3b2a40p-7, 0x1.5f0baep-10, 0x1.442d34p-13};

// exp2(r) = 1 + r P(r), |r| <= 1/2; error 2^-59.6.
constexpr double exp2_64[] = {0x1.62e42fefa39efp-1, 0x1.ebfbdff82c58fp-3, 0x1.c6b08d704a1c3p-5, 0x1.3b2ab6fba4d79p-7, 0x1.5d87fe7878df6p-10, 0x1.430912f8aabc8p-13, 0x1.ffcbfd2fa1f03p-17, 0x1.62c02161abb71p-20, 0x1.b5236bf2f5c29p-24, 0x1.e4d1f5ca5d922p-28, 0x1.ec1634fee388ap-32, 0x1.c10a5d7f42958p-36};

// log1p(f) = f - f^2 / 2 + f^3 P(f), sqrt(1/2) <= 1 + f <= sqrt(2); error 2^-27.3.
constexpr double log32[] = {0x1.55554cp-2, -0x1.000226p-2, 0x1.99a492p-3, -0x1.54763cp-3, 0x1.228222p-3, -0x1.0d097ep-3, 0x1.075d2cp-3, -0x1.3fff28p-4};

// log2(1 + f) = f / ln(2) + f^2 P(f), sqrt(1/2) <= 1 + f <= sqrt(2); error 2^-27.2.
constexpr double log2_32[] = {-0x1.715472p-1, 0x1.ec708ap-2, -0x1.7159c8p-2, 0x1.278100p-2, -0x1.eadb46p-3, 0x1.a2a962p-3, -0x1.860db8p-3, 0x1.7f2470p-3, -0x1.cca1ecp-4};

// log10(1 + f) = f / ln(10) + f^2 P(f), sqrt(1/2) <= 1 + f <= sqrt(2); error 2^-28.8.
constexpr double log10_32[] = {-0x1.bcb7aap-3, 0x1.287a6cp-3, -0x1.bcbf24p-4, 0x1.63d23ep-4, -0x1.27724ep-4, 0x1.f814fcp-5, -0x1.d6c1dap-5, 0x1.cde054p-5, -0x1.138674p-5};

// 2 atanh(s) = 2 s + s z P(z), z = s^2 <= 0.0295; error 2^-58.5.
constexpr double log64[] = {0x1.5555555555593p-1, 0x1.999999997fac0p-2, 0x1.2492494216196p-2, 0x1.c71c51eeb5a80p-3, 0x1.746643d1f2c72p-3, 0x1.39a147449c0c3p-3, 0x1.2f0995f063fe0p-3};

// 2 atanh(s) = 2 s + 2/3 s^3 + s z^2 P(z), z = s^2 <= 0.0295; error 2^-76.0.
constexpr double logExtended64[] = {0x1.999999999999ap-2, 0x1.2492492492369p-2, 0x1.c71c71c7467b9p-3, 0x1.745d172cdee06p-3, 0x1.3b13b9ec3117cp-3, 0x1.110f3534185e3p-3, 0x1.e25efd37951eap-4, 0x1.a57d120431d45p-4, 0x1.e9447b9def805p-4};

// sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4; error 2^-63.2.
constexpr double sin64[] = {-0x1.5555555555555p-3, 0x1.111111111106dp-7, -0x1.a01a019fff580p-13, 0x1.71de3a35260bfp-19, -0x1.ae642e5c1b55fp-26, 0x1.610b0bddadf1cp-33, -0x1.a0a0deb4564eep-41};

// cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4; error 2^-69.1.
constexpr double cos64[] = {0x1.5555555555555p-5, -0x1.6c16c16c16b2fp-10, 0x1.a01a019ffc71fp-16, -0x1.27e4fb59b5ccdp-22, 0x1.1eed6eec4f75dp-29, -0x1.9373920445286p-37, 0x1.9d4eb00d5ee87p-45};

// sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4; in float64 for float32; error 2^-37.6.
constexpr double sin32[] = {-0x1.5555554c8db45p-3, 0x1.11110879efd22p-7, -0x1.a00f890da9c6dp-13, 0x1.6cd3cc0eb1bfap-19};

// cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4; in float64 for float32; error 2^-43.3.
constexpr double cos32[] = {0x1.5555554f6c285p-5, -0x1.6c16b8b102a53p-10, 0x1.a0112c7f520f9p-16, -0x1.242cd52232c44p-22};

// asin(x) = x + x z P(z), z = x^2, |x| <= 1/2; error 2^-59.8.
constexpr double asin64[] = {0x1.5555555555578p-3, 0x1.333333332df62p-4, 0x1.6db6db7226160p-5, 0x1.f1c71a8e0bcd1p-6, 0x1.6e8bdf983a6a6p-6, 0x1.1c49e41330e31p-6, 0x1.ca20a7292ecb3p-7, 0x1.757ce47f441b5p-7, 0x1.616b3f277d35dp-7, 0x1.e34b2d1e158e2p-9, 0x1.6465ce13d6346p-6, -0x1.5912cb789119cp-6, 0x1.0b9b5aba217cdp-5};

// asin(x) = x + x z P(z), z = x^2, |x| <= 1/2; error 2^-31.7.
constexpr double asin32[] = {0x1.55554cp-3, 0x1.3338a2p-4, 0x1.6ca9ecp-5, 0x1.04b664p-5, 0x1.d721aap-7, 0x1.33fc6ap-5};

// atan(t) = t + t z P(z), z = t^2, |t| <= tan(pi / 8); error 2^-59.5.
constexpr double atan64[] = {-0x1.555555555553dp-2, 0x1.99999999958b0p-3, -0x1.24924922afb1bp-3, 0x1.c71c70e70fc66p-4, -0x1.745cf8fa6b6bdp-4, 0x1.3b111b3bde4f5p-4, -0x1.10ebd098c629dp-4, 0x1.df10ad893a4d1p-5, -0x1.9cd8f40ced7fap-5, 0x1.37e5535906cc5p-5, -0x1.258c5d60924f6p-6};

// atan(t) = t + t z P(z), z = t^2, |t| <= tan(pi / 8); error 2^-30.5.
constexpr double atan32[] = {-0x1.55554ap-2, 0x1.9991e6p-3, -0x1.23ba12p-3, 0x1.b22be2p-4, -0x1.f30ea0p-5};

// tanh(x) = x + x z P(z), z = x^2, |x| <= 1; error 2^-27.8.
constexpr double tanh32[] = {-0x1.55553ep-2, 0x1.110c34p-3, -0x1.b96a64p-5, 0x1.603a70p-6, -0x1.04f328p-7, 0x1.2f54cap-9, -0x1.7bc1e8p-12};

// tanh(x) = x + x z P(z), z = x^2, |x| <= 1; error 2^-58.4.
constexpr double tanh64[] = {-0x1.555555555554fp-2, 0x1.1111111110b47p-3, -0x1.ba1ba1b9df8bfp-5, 0x1.664f4878cd191p-6, -0x1.226e34613c117p-7, 0x1.d6d3afd5690cdp-9, -0x1.7da1e4884c069p-10, 0x1.354b93c149f36p-11, -0x1.f4e196c26789fp-13, 0x1.93a6c2a78d193p-14, -0x1.3f6aec2c26d02p-15, 0x1.df9aa4d35f509p-17, -0x1.3fef220fe5fbap-18, 0x1.5672d81064de0p-20, -0x1.f70d3aef3d6dap-23, 0x1.70bcb48c57b6cp-26};

// erf(x) = x + x P(z), z = x^2, |x| <= 1; error 2^-28.8.
constexpr double erf32[] = {0x1.06eba8p-3, -0x1.812740p-2, 0x1.ce2d50p-4, -0x1.b7fe92p-6, 0x1.542e1cp-8, -0x1.a50b60p-11, 0x1.4c34c4p-14};

// erf(x) = x + x P(z), z = x^2, |x| <= 1; error 2^-56.3.
constexpr double erf64[] = {0x1.06eba8214db69p-3, -0x1.812746b037a22p-2, 0x1.ce2f21a045bc7p-4, -0x1.b82ce31384abbp-6, 0x1.565bcd3a12659p-8, -0x1.c02dbd1278b8cp-11, 0x1.f9a45e19eb163p-14, -0x1.f4ee5f9dd116cp-17, 0x1.bba198b0207acp-20, -0x1.723fd6a2648a0p-23, 0x1.8863a82d91704p-26, -0x1.9b72ebc63870cp-28, 0x1.dcff87bc3d6c1p-30, -0x1.19c649edb46f5p-32};

constexpr double erfc32Center = 0x1.3b00000000000p+1;
// erfc(x) = P(x - erfc32Center), 1 <= x <= 3.925; absolute error; error 2^-28.9.
constexpr double erfc32[] = {0x1.069986p-11, -0x1.5a9082p-9, 0x1.aa6ffcp-8, -0x1.40ef84p-7, 0x1.43d31cp-7, -0x1.bceae8p-8, 0x1.809696p-9, -0x1.d6b248p-12, -0x1.729704p-12, 0x1.29b066p-12, -0x1.3eee5ep-14, -0x1.00c314p-16, 0x1.22788ap-16, -0x1.90cf24p-19, -0x1.250eaep-20, 0x1.822a60p-22};

// (1 + 2 x) exp(x^2) erfc(x) = P((x - 4) / (x + 4)), 0 <= x <= 28; error 2^-54.3.
constexpr double erfc64[] = {0x1.3ba5916e9fd7fp+0, -0x1.1df1ad154a28ep-3, 0x1.f7f5df66fbb39p-7, 0x1.16ecefcfa531cp-4, -0x1.9ddb23c3dc889p-4, 0x1.7fee004e152fcp-4, -0x1.0fb06dff68cfdp-4, 0x1.3079edf5b73a5p-5, -0x1.0962384f05750p-6, 0x1.49c672f008a41p-8, -0x1.8d4ac9dc5f6a7p-11, -0x1.a1df9e6917de8p-13, 0x1.3be3915475f77p-13, -0x1.99448b5a3acd3p-16, -0x1.791bb012fa8c4p-17, 0x1.7e0c6b85b09d0p-18, 0x1.5b21c48a979d7p-22, -0x1.a7d84133bad0bp-21, 0x1.7f46fccd79ad5p-25, 0x1.0d0e8d7fa192cp-24, -0x1.6b5c1d8f33d85p-28, 0x1.685934a55d9b4p-26, 0x1.7773fd3201f72p-28, -0x1.539dff4171845p-27, -0x1.1050dc6937d64p-28};

// log(gamma(2 + z)) = z P(z), |z| <= 1/2; error 2^-56.3.
constexpr double logGamma64[] = {0x1.b0ee6072093cep-2, 0x1.4a34cc4a60fa6p-2, -0x1.13e001a55753cp-4, 0x1.51322ac7d8955p-6, -0x1.e404fc21ea047p-8, 0x1.7add6eacf62dfp-9, -0x1.38ac5bea610c8p-10, 0x1.0b36aff165f94p-11, -0x1.d3fd7d91b8adap-13, 0x1.a127714d1f10bp-14, -0x1.78d3afa8c217cp-15, 0x1.5818c92652d05p-16, -0x1.3e28bf8a52faap-17, 0x1.2474d4bef92a2p-18, -0x1.e6fdaee805a6cp-20, 0x1.12383e24886fap-20, -0x1.3b34778cd0f21p-20, 0x1.28329e0ce7b79p-24, 0x1.4189276e23eb2p-20, 0x1.86ebad2554a8fp-23, -0x1.10cabe323eea7p-20};

// sqrt(x) exp(-x) I0(x) = P(16 / x), x >= 16; error 2^-53.9.
constexpr double bessel0Tail64[] = {0x1.9884533d43651p-2, 0x1.9884533d3d1ccp-9, 0x1.cb94ddeaa44f2p-14, 0x1.deba72f37bf0cp-18, 0x1.6ee781dd3877bp-21, 0x1.4f62b2b37c570p-24, 0x1.5365954d6b100p-24, -0x1.7e47f98468a1ap-22, 0x1.7c9de60586a01p-20, -0x1.14e15fbf6ee21p-18, 0x1.2c68dcd154fb8p-17, -0x1.e7afdf1ce2ec7p-17, 0x1.26c225ad14a62p-16, -0x1.055905b3b421ep-16, 0x1.49f80665094fdp-17, -0x1.18b61f9f9242ap-18, 0x1.2063bca43674bp-20, -0x1.0e3dc1420f617p-23};

// sqrt(x) exp(-x) I1(x) = P(16 / x), x >= 16; error 2^-53.9.
constexpr double bessel1Tail64[] = {0x1.9884533d43651p-2, -0x1.32633e6df41d6p-7, -0x1.7efc0de6abe8ap-13, -0x1.4f1cdb3c06e6bp-17, -0x1.d6e06b7231359p-21, -0x1.e90c9e0aa8a55p-24, 0x1.a2fbe465f3492p-25, -0x1.809569ec7df17p-22, 0x1.784caac97e45dp-20, -0x1.11b7d0a58d66dp-18, 0x1.28ab8379fa325p-17, -0x1.e12e1a22cf150p-17, 0x1.229158ec8a9f5p-16, -0x1.01693b47647b4p-16, 0x1.44b9d5a8e98bbp-17, -0x1.140642e4cf96ap-18, 0x1.1b58ce544efbap-20, -0x1.094fa1214d548p-23};

// log1p(f) = f P(f), sqrt(1/2) <= 1 + f <= sqrt(2); error 2^-27.6.
constexpr double erfinvLog32[] = {0x1.fffffbf1a1daap-1, -0x1.fffff158bf4fbp-2, 0x1.5559c244cf2aap-2, -0x1.0007dd0edb2c6p-2, 0x1.98566fc9dc50dp-3, -0x1.52b0eec983e02p-3, 0x1.34c12d8fc7cd0p-3, -0x1.2a08a962e80c1p-3, 0x1.6214cee0af64ap-4};

// erfinv(x) = x P(w - 5/2), w = -log(1 - x^2) <= 5; error 2^-28.7.
constexpr double erfinvCentral32[] = {0x1.805c5d07a74ccp+0, 0x1.f91e8b104b580p-3, -0x1.11c4202d6f812p-8, -0x1.48664cd818b7cp-10, 0x1.c9c56fce69e4dp-13, -0x1.4cf8894dffbb5p-18, -0x1.ccf57f0cee0f2p-19, 0x1.f42fccebfeb71p-22, 0x1.35201175dcad5p-26, -0x1.2d4a162df3859p-27, 0x1.7457dd8cb5650p-32};

// erfinv(x) = x P(w - 21/2), 5 <= w <= 16; error 2^-29.0.
constexpr double erfinvTail32[] = {0x1.897f938ca3ad4p+1, 0x1.3da46234f39fdp-3, -0x1.d2ec50575a447p-9, 0x1.461cb1007a5b4p-13, -0x1.ffbcf6de04944p-18, 0x1.4a93da25c6b23p-22, -0x1.4ca70534865fcp-33, -0x1.0dbb2cd0c9588p-29, 0x1.7143ddee76697p-32, -0x1.55ea69f805206p-35, 0x1.2c3fab8800302p-39, -0x1.5ea515957b290p-48};

} // namespace weft::coefficients
